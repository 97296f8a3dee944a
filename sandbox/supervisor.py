"""supervisord: its configuration, its start, and its control over a socket of our own."""

import hashlib
import http.client
import resource
import shlex
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Callable, Sequence
from configparser import RawConfigParser
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from sandbox import paths
from sandbox.node.files import write_private
from tools import paths as tool_paths
from tools.errors import UserError

CONFIGURATION = paths.STATE / "supervisord.conf"
_PID_FILE = paths.RUN / "supervisord.pid"
_RPC_SECONDS = 30.0
_OPEN_FILES = 1_048_576  # what a container runtime's service usually has; Kafka wants many

RUNNING = "RUNNING"
_NOT_STARTED = {"STOPPED", "EXITED", "FATAL"}


@dataclass(frozen=True)
class Program:
    """A supervised program. It is restarted when its command or one of its `files` changes.

    Not so a program that `loses_state_on_restart`: it goes on as it was started.
    """

    name: str
    command: Sequence[str]
    files: Sequence[Path] = field(default_factory=list)
    loses_state_on_restart: bool = False

    @property
    def log(self) -> Path:
        return paths.LOGS / f"{self.name}.log"

    def fingerprint(self) -> str:
        """Return the hash of the program's configuration files."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(file.read_bytes())
        return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Status:
    """What the supervisor knows of a program: its state, process and last words."""

    name: str
    state: str
    pid: int
    description: str


def write_configuration(programs: Sequence[Program]) -> None:
    """Write supervisord's configuration for these programs."""
    paths.LOGS.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(CONFIGURATION, render(programs))


def render(programs: Sequence[Program]) -> str:
    """Return supervisord's configuration: programs are started by us, restarted by supervisord."""
    parser = RawConfigParser()
    parser["unix_http_server"] = {"file": str(paths.SUPERVISOR_SOCKET), "chmod": "0700"}
    parser["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    parser["supervisord"] = {
        "logfile": str(paths.LOGS / "supervisord.log"),
        "logfile_maxbytes": "5MB",
        "logfile_backups": "1",
        "pidfile": str(_PID_FILE),
        "childlogdir": str(paths.LOGS),
        "directory": str(paths.STATE),
        "umask": "022",
        "minfds": str(_open_files_limit()),
    }
    for program in programs:
        parser[f"program:{program.name}"] = _section(program)
    text = StringIO()
    parser.write(text)
    return text.getvalue()


def _section(program: Program) -> dict[str, str]:
    environment = {
        "PATH": f"{tool_paths.binaries()}:{_SYSTEM_PATH}",
        "CONFIGURATION_FINGERPRINT": program.fingerprint(),
    }
    section = {
        "command": shlex.join(program.command),
        "environment": ",".join(f'{name}="{value}"' for name, value in environment.items()),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "2",
        "startretries": "5",
        "stopwaitsecs": "15",
        "redirect_stderr": "true",
        "stdout_logfile": str(program.log),
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": "1",
    }
    # supervisord expands %(names)s in every value.
    return {name: value.replace("%", "%%") for name, value in section.items()}


_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def start(before_exec: Callable[[], None]) -> None:
    """Start supervisord in the background; `before_exec` runs in its process first.

    Raises UserError with its words when it refuses its configuration.
    """
    paths.RUN.mkdir(parents=True, exist_ok=True, mode=0o700)
    supervisord = Path(sys.executable).parent / "supervisord"
    started = subprocess.run(
        [str(supervisord), "--configuration", str(CONFIGURATION)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd="/",
        preexec_fn=before_exec,  # this process has one thread
    )
    if started.returncode != 0:
        raise UserError(f"supervisord did not start: {started.stdout.strip()}")


def is_running() -> bool:
    """Return whether our supervisord answers."""
    try:
        _rpc().getState()
    except (OSError, http.client.HTTPException, xmlrpc.client.Error):
        return False
    return True


def statuses() -> dict[str, Status]:
    """Return every program's state, by name."""
    listed: list[dict[str, Any]] = _rpc().getAllProcessInfo()
    return {
        entry["name"]: Status(entry["name"], entry["statename"], entry["pid"], entry["description"])
        for entry in listed
    }


def start_stopped() -> list[str]:
    """Start, without waiting for them, the programs that neither run nor are being restarted."""
    stopped = [each.name for each in statuses().values() if each.state in _NOT_STARTED]
    for name in stopped:
        _rpc().startProcess(name, False)
    return stopped


def apply_configuration(programs: Sequence[Program]) -> list[str]:
    """Take over a rewritten configuration; return the programs that must be restarted for it."""
    changes: list[Any] = _rpc().reloadConfig()
    added, changed, removed = changes[0]
    kept = {program.name for program in programs if program.loses_state_on_restart}
    changed = [name for name in changed if name not in kept]
    for name in (*changed, *removed):
        _rpc().stopProcessGroup(name)
        _rpc().removeProcessGroup(name)
    for name in (*added, *changed):
        _rpc().addProcessGroup(name)
    return [*added, *changed]


class _UnixConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_RPC_SECONDS)
        self.sock.connect(str(paths.SUPERVISOR_SOCKET))


class _UnixTransport(xmlrpc.client.Transport):
    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection("localhost")


def _rpc() -> Any:
    return xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport()).supervisor


def _open_files_limit() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
