"""Go programs built from the module proxy, pinned by the go.mod and go.sum beside this file."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import paths
from sandbox.errors import SandboxError
from sandbox.progress import Progress, run_logged

_MODULES = Path(__file__).resolve().parent


@dataclass(frozen=True)
class GoPart:
    """One Go module and the programs that it gives.

    `packages` maps a program to the package of its main; `links` gives a program further names;
    `variables` are set by the linker (version stamps); `scripts` are files of a required module,
    as (module, path in it), to lie beside the programs.
    """

    name: str
    packages: Mapping[str, str]
    links: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    scripts: tuple[tuple[str, str], ...] = ()

    @property
    def source(self) -> Path:
        """The module's folder in the project."""
        return _MODULES / self.name

    @property
    def programs(self) -> list[str]:
        """Every name that ends up in the cache's `bin`."""
        return [*self.packages, *self.links, *(Path(path).name for _, path in self.scripts)]

    def linker_flags(self) -> str:
        """Return -ldflags: no symbol tables, and the version stamps."""
        stamps = [f"-X {name}={value}" for name, value in self.variables.items()]
        return " ".join(["-s", "-w", *stamps])

    def key(self, go_version: str) -> str:
        """Return the hash of all that decides what a build gives."""
        digest = hashlib.sha256()
        recipe = [go_version, dict(self.packages), dict(self.links), self.linker_flags()]
        digest.update(json.dumps([*recipe, self.scripts], sort_keys=True).encode())
        for file in sorted(self.source.rglob("*")):
            if file.name in {"go.mod", "go.sum"} or file.suffix == ".go":
                digest.update(f"\0{file.relative_to(self.source)}\0".encode())
                digest.update(file.read_bytes())
        return digest.hexdigest()[:12]


def version() -> str:
    """Return the Go compiler's version, system and processor. Raises SandboxError without Go."""
    try:
        shown = subprocess.run(
            ["go", "env", "GOVERSION", "GOOS", "GOARCH"],
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
        )
    except FileNotFoundError as missing:
        raise SandboxError(
            "Go is needed to build Kubernetes and Pulumi: install Go 1.21 or newer (it fetches "
            "the version that a go.mod asks for by itself) and put `go` on PATH."
        ) from missing
    return " ".join(shown.stdout.split())


def build(part: GoPart, target: Path, progress: Progress) -> None:
    """Build all programs of `part` into the folder `target`, which must not be in use."""
    log = paths.cache() / "log" / f"build-{part.name}.log"
    for program, package in part.packages.items():
        command = ["go", "build", "-trimpath", "-modcacherw", "-ldflags", part.linker_flags()]
        run_logged(
            [*command, "-o", str(target / program), package],
            what=f"building {program} from Go modules",
            log=log,
            progress=progress,
            cwd=part.source,
            env=_environment(),
        )
    for link, program in part.links.items():
        (target / link).symlink_to(program)
    for module, path in part.scripts:
        copy = target / Path(path).name
        shutil.copyfile(_module_folder(part, module) / path, copy)
        copy.chmod(0o755)


def _environment() -> dict[str, str]:
    cache = paths.cache() / "go"
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": "",
        "GOWORK": "off",
        "GOMODCACHE": str(cache / "mod"),
        "GOCACHE": str(cache / "build"),
    }


def _module_folder(part: GoPart, module: str) -> Path:
    shown = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", module],
        cwd=part.source,
        env=_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(shown.stdout.strip())
