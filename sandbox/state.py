"""Whose sandbox runs on this machine, and in what state it is."""

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum, auto
from pathlib import Path

from sandbox import paths, supervisor
from sandbox.node import addresses, cgroups
from sandbox.node.files import write_private
from tools import paths as tool_paths
from tools.errors import UserError

_OWNER_FILE = paths.STATE / "owner.json"
_BRIDGE = Path("/sys/class/net", addresses.BRIDGE)


class Situation(Enum):
    """What an `up` or `down` finds on the machine."""

    ABSENT = auto()  # nothing of a sandbox
    RUNNING = auto()  # ours, under its supervisor
    FOREIGN = auto()  # another clone's, under its supervisor
    LEFTOVERS = auto()  # remains of one that was killed, or of a reboot


class Plugins(StrEnum):
    """Which provider plugins a sandbox is deployed with. The state of one is not another's."""

    OUR_OWN = "our own plugins"
    """All three from this repository, as up to 0.2."""
    BUILT = "our own plugins and the official one for Kubernetes"
    OFFICIAL = "the official plugins"


@dataclass(frozen=True)
class Owner:
    """The clone that started the sandbox. `sandbox_id` is new with every start from scratch."""

    clone: str
    sandbox_id: str
    created: str
    plugins: str = Plugins.OUR_OWN  # not recorded before there was a choice

    @staticmethod
    def new(plugins: Plugins) -> "Owner":
        now = datetime.now(UTC).isoformat(timespec="seconds")
        sandbox_id = f"datapipe-sandbox-{secrets.token_hex(8)}"
        return Owner(str(tool_paths.PROJECT), sandbox_id, now, plugins)


def owner() -> Owner | None:
    """Return who started the sandbox; None without one or with a damaged record."""
    try:
        return Owner(**json.loads(_OWNER_FILE.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def record(new_owner: Owner) -> None:
    """Write down who started the sandbox."""
    write_private(_OWNER_FILE, json.dumps(asdict(new_owner), indent=2))


def situation() -> Situation:
    """Look at the machine and say what is there."""
    recorded = owner()
    if recorded and supervisor.is_running():
        return Situation.RUNNING if recorded.clone == str(tool_paths.PROJECT) else Situation.FOREIGN
    return Situation.LEFTOVERS if _has_remains() else Situation.ABSENT


def refusal(recorded: Owner) -> UserError:
    """Return the error for a command that must not touch another clone's sandbox."""
    return UserError(
        f"the sandbox on this machine belongs to {recorded.clone} (started {recorded.created}).\n"
        f"Use it there, or stop it there with `make down`, or from here with "
        f"`bash tools/bootstrap.sh sandbox down --force`. Its data is lost then."
    )


def _has_remains() -> bool:
    groups = [root / cgroups.NAME for root in cgroups.mounted()]
    return any(path.exists() for path in (paths.STATE, paths.RUN, _BRIDGE, *groups))
