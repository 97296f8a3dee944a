"""What is removed with the sandbox."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from sandbox import paths
from sandbox.node import teardown


def test_a_plugin_that_an_engine_left_behind_is_killed_and_no_other_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "PULUMI_HOME", tmp_path / "home")
    plugin = tmp_path / "home/plugins/pulumi-resource-kubernetes"
    plugin.parent.mkdir(parents=True)
    sleep = shutil.which("sleep")
    assert sleep is not None
    shutil.copy(sleep, plugin)
    with subprocess.Popen([plugin, "60"]) as orphan, subprocess.Popen([sleep, "60"]) as other:
        try:
            teardown.kill_plugins()
            assert orphan.wait(timeout=10) == -signal.SIGKILL
            assert other.poll() is None
        finally:
            orphan.kill()
            other.kill()
