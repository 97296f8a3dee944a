"""Every folder that the sandbox uses besides the cache (tools/paths.py)."""

from pathlib import Path

# Fixed, because there is one sandbox per machine: its addresses and names exist once.
STATE = Path("/var/lib/datapipe-sandbox")
RUN = Path("/run/datapipe-sandbox")
LOCK = Path("/run/lock/datapipe-sandbox.lock")

LOGS = STATE / "log"
VOLUMES = STATE / "volumes"
KUBECONFIG = STATE / "kubeconfig"
PULUMI_BACKEND = STATE / "pulumi"
PULUMI_HOME = STATE / "pulumi-home"
CONTAINERD_SOCKET = RUN / "containerd.sock"
SUPERVISOR_SOCKET = RUN / "supervisor.sock"
