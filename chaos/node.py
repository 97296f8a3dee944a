"""The sandbox's node below Kubernetes: processes, cgroups, volumes and packets.

This is the only module of chaos that imports the sandbox. A stack on another cluster has no such
node; faults that need one are reported as not run there.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from chaos.pipeline import FaultError, Pipeline
from sandbox import paths
from sandbox.node import addresses
from tools import paths as tool_paths

# Our nftables table; deleting it removes all our rules.
TABLE = "datapipe-chaos"

PODS = str(addresses.PODS)
NODE_ADDRESS = str(addresses.NODE_ADDRESS)
MOTO_PORT = addresses.MOTO_PORT
NODE_NAME = addresses.NODE_NAME
# For the small disks that replace volumes.
FOLDER = paths.STATE / "chaos"

STACK = "sandbox"
PROC = Path("/proc")
COMMAND_SECONDS = 60

HOG = """\
import sys, time
held = b"x" * int(sys.argv[1])
time.sleep(float(sys.argv[2]))
"""


def is_here(stack: str) -> bool:
    """Return whether a stack runs in this machine's sandbox."""
    return stack == STACK and paths.KUBECONFIG.exists()


def run(*command: str, text: str | None = None, seconds: float = COMMAND_SECONDS) -> str:
    """Return a command's output.

    Raises FaultError with its error output if it fails, or if it takes longer.
    """
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise FaultError(f"{' '.join(command)} timed out after {seconds:.0f} s") from None
    if done.returncode != 0:
        raise FaultError(f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout}")
    return done.stdout


def main_process(pod_uid: str) -> int:
    """Return the process that is number 1 in a pod's container, not in its pause container.

    Raises FaultError if none runs, such as between two starts.
    """
    for process in PROC.glob("[0-9]*"):
        try:
            ours = pod_uid in (process / "cgroup").read_text()
            if not ours or (process / "comm").read_text().strip() == "pause":
                continue
            if _number_in_container((process / "status").read_text()) == 1:
                return int(process.name)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    raise FaultError(f"no container of pod {pod_uid} is running")


def _number_in_container(status: str) -> int:
    """Return the innermost number of a process, from its /proc/PID/status."""
    found = re.search(r"^NSpid:.*?(\d+)$", status, re.MULTILINE)
    return int(found.group(1)) if found else 0


def kill(pipeline: Pipeline, workload: str, pod: str) -> None:
    """Send SIGKILL to a pod's main process."""
    uids = {str(each.metadata.name): str(each.metadata.uid) for each in pipeline.pods(workload)}
    os.kill(main_process(uids[pod]), signal.SIGKILL)


def memory_cgroup(process: int) -> Path:
    """Return the folder of the cgroup that limits a process's memory, in either version."""
    for line in Path(f"/proc/{process}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return Path("/sys/fs/cgroup/memory") / path.lstrip("/")
        if not controllers and Path("/sys/fs/cgroup/cgroup.controllers").exists():
            return Path("/sys/fs/cgroup") / path.lstrip("/")
    raise FaultError(f"process {process} has no memory cgroup")


def kernel_kills(cgroup: Path) -> int | None:
    """Return how often the OOM killer killed in a cgroup; None: the cgroup is gone."""
    for name in ("memory.events", "memory.oom_control"):
        try:
            found = re.search(r"^oom_kill (\d+)$", (cgroup / name).read_text(), re.MULTILINE)
        except OSError:
            continue
        if found:
            return int(found.group(1))
    return None


def occupy(cgroup: Path, size: int, seconds: float) -> subprocess.Popen[bytes]:
    """Start a process that holds `size` bytes in a cgroup for so many seconds."""
    join_and_hold = 'echo $$ > "$0"; exec "$@"'
    hog = [sys.executable, "-S", "-E", "-c", HOG, str(size), str(seconds)]
    return subprocess.Popen(
        ["sh", "-c", join_and_hold, str(cgroup / "cgroup.procs"), *hog],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def set_packet_rules(rules: str) -> None:
    """Replace our table's content by these chains."""
    nft(f"add table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{rules}\n}}\n")


def clear_packet_rules() -> None:
    """Delete our table, if it exists."""
    nft(f"add table inet {TABLE}\ndelete table inet {TABLE}\n")


def nft(script: str) -> None:
    """Run an nftables script. Raises FaultError if it is refused."""
    run(str(tool_paths.binaries() / "nft"), "-f", "-", text=script)
