"""The user's own `pulumi` with the official provider plugins, where both are to be had."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from tools import paths
from tools.progress import Progress

# The provider SDKs of requirements.txt; a plugin must be of its SDK's version.
PLUGINS = (("kubernetes", "4.34.2"), ("aws", "7.51.1"), ("kafka", "3.13.3"))

_MINIMUM = (3, 200)
_FIRST_DOWNLOAD_SECONDS = 60  # kubernetes' plugin: decides whether there is a way out at all
_NEXT_DOWNLOAD_SECONDS = 600  # aws' plugin has some 200 MB


def usable_pulumi(progress: Progress) -> Path | None:
    """Return the user's `pulumi` if it is new enough and can have the official plugins.

    The answer is kept in the cache: without a way to the plugins the attempt costs a minute.
    """
    pulumi = pulumi_on_path()
    if pulumi is None:
        return None
    version = pulumi_version(pulumi)
    question = f"{pulumi} {version} {PLUGINS}"
    if (kept := _kept_answer(question)) is not None:
        return pulumi if kept else None
    usable = version >= _MINIMUM and _install_plugins(pulumi, progress)
    _answer_file().write_text(json.dumps({"question": question, "usable": usable}))
    progress(f"using {pulumi} with official plugins" if usable else f"not using {pulumi}")
    return pulumi if usable else None


def plugins_are_official() -> bool:
    """Return whether the last toolchain was the user's own pulumi with the official plugins."""
    link = paths.binaries() / "pulumi"
    return link.is_symlink() and not link.readlink().is_relative_to(paths.cache())


def share_plugins(pulumi_home: Path) -> None:
    """Let a PULUMI_HOME use the official plugins in the cache, if they were chosen."""
    plugins = pulumi_home / "plugins"
    if plugins_are_official() and not plugins.exists():
        plugins.symlink_to(_plugin_home() / "plugins")


def _plugin_home() -> Path:
    return paths.cache() / "pulumi-official"


def pulumi_on_path() -> Path | None:
    """Return the `pulumi` on PATH that is not a link of our own."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    others = [folder for folder in folders if Path(folder) != paths.binaries()]
    found = shutil.which("pulumi", path=os.pathsep.join(others))
    return Path(found) if found else None


def pulumi_version(pulumi: Path) -> tuple[int, int]:
    """Return major and minor version; (0, 0) when the program does not say."""
    shown = subprocess.run([pulumi, "version"], capture_output=True, text=True, check=False)
    match = re.match(r"v?(\d+)\.(\d+)\.", shown.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _install_plugins(pulumi: Path, progress: Progress) -> bool:
    timeout = _FIRST_DOWNLOAD_SECONDS
    for name, version in PLUGINS:
        progress(f"asking {pulumi} for the official plugin {name} {version}")
        try:
            done = subprocess.run(
                [pulumi, "plugin", "install", "resource", name, version],
                env={**os.environ, "PULUMI_HOME": str(_plugin_home())},
                capture_output=True,
                check=False,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            return False
        if done.returncode != 0:
            return False
        timeout = _NEXT_DOWNLOAD_SECONDS
    return True


def _kept_answer(question: str) -> bool | None:
    file = _answer_file()
    if not file.is_file():
        return None
    kept = json.loads(file.read_text())
    return bool(kept["usable"]) if kept["question"] == question else None


def _answer_file() -> Path:
    return paths.cache() / "official-pulumi.json"
