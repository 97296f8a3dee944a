"""Every folder that the sandbox uses. There is nothing of it outside the first three."""

import os
from pathlib import Path

# Fixed, because there is one sandbox per machine: its addresses and names exist once.
STATE = Path("/var/lib/datapipe-sandbox")
RUN = Path("/run/datapipe-sandbox")
LOCK = Path("/run/lock/datapipe-sandbox.lock")

PROJECT = Path(__file__).resolve().parent.parent

LOGS = STATE / "log"
VOLUMES = STATE / "volumes"
KUBECONFIG = STATE / "kubeconfig"
PULUMI_BACKEND = STATE / "pulumi"
PULUMI_HOME = STATE / "pulumi-home"
CONTAINERD_SOCKET = RUN / "containerd.sock"
SUPERVISOR_SOCKET = RUN / "supervisor.sock"


def cache() -> Path:
    """Return the folder of what was downloaded or built; clones share it, `down` keeps it."""
    if named := os.environ.get("DATAPIPE_CACHE"):
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "datapipe"


def binaries() -> Path:
    """Return the folder of links to every tool of the toolchain."""
    return cache() / "bin"
