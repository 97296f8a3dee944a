"""psql in the server's pod, as the dynamic resources of the source layer call it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from components.source.pod_exec import PodCommand, PodExecError
from components.source.schema import LOCKED, variable
from kafka_connect.cluster_access import ClusterAccess, ClusterAccessError

if TYPE_CHECKING:
    from tenacity import RetryCallState

TIMEOUT_SECONDS = 300
PREVIEW_SECONDS = 60
ATTEMPTS = 5
LOCK_TIMEOUT = "canceling statement due to lock timeout"
RETRYABLE_ERRORS = re.compile(f"deadlock detected|{LOCK_TIMEOUT}")
NO_DATABASE = re.compile('database "[^"]*" does not exist')
# The inputs of a resource that say where its scripts run.
TARGET_INPUTS = ("context", "namespace", "pod", "container", "command")


@dataclass(frozen=True)
class Psql:
    """psql as superuser, in a container of a pod."""

    access: ClusterAccess
    namespace: pulumi.Input[str]
    pod: str
    container: str
    command: list[str]

    def inputs(self) -> dict[str, pulumi.Input[Any]]:
        """Return the inputs for a dynamic resource, whose provider runs in its own process."""
        return {
            "context": self.access.context,
            "namespace": self.namespace,
            "pod": self.pod,
            "container": self.container,
            "command": self.command,
        }


def run_script(
    props: dict[str, Any], script: str, lock_holders_script: str | None = None, **secrets: str
) -> str:
    """Run a script with these variables of psql, which are passed by its standard input only.

    Return what it prints.

    A script is a transaction; if it lost a conflict with writers of the tables, it is run again.
    Raises PodExecError with PostgreSQL's message if it fails, and with what `lock_holders_script`
    prints if it could not lock a table.
    """
    # Slow, and a preview runs no script.
    from tenacity import (  # noqa: PLC0415
        Retrying,
        retry_if_exception,
        stop_after_attempt,
        wait_incrementing,
    )

    text = "".join(variable(name, value) for name, value in secrets.items()) + script
    retrying = Retrying(
        retry=retry_if_exception(_is_retryable),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_incrementing(start=1, increment=1),
        before_sleep=_log_retry,
        reraise=True,
    )

    def run() -> str:
        try:
            return _command(props).run(_access(props).api_client(), text, TIMEOUT_SECONDS)
        except PodExecError as error:
            if lock_holders_script is None or LOCK_TIMEOUT not in str(error):
                raise
            raise PodExecError(f"{error}\n{_lock_holders(props, lock_holders_script)}") from None

    return retrying(run)


def _lock_holders(props: dict[str, Any], script: str) -> str:
    """Return who has locks on the tables, a line each."""
    printed = _command(props).run(_access(props).api_client(), script, PREVIEW_SECONDS)
    found = [line for line in printed.splitlines() if line.startswith(LOCKED)]
    return "\n".join(found) or "no transaction has locks on the tables any more"


def read_from_database(props: dict[str, Any], script: str) -> str | None:
    """Run a script that changes nothing, as a preview does; return what it prints.

    Return None, with the reason on standard error, where there is no running database to ask.
    """
    try:
        if not pod_exists(props):
            return None
        return _command(props).run(_access(props).api_client(), script, PREVIEW_SECONDS)
    except (ClusterAccessError, PodExecError) as error:
        if NO_DATABASE.search(str(error)):  # the same update creates it
            return None
        print(f"the captured tables were not checked: {error}", file=sys.stderr)
        return None


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, PodExecError) and bool(RETRYABLE_ERRORS.search(str(error)))


def _log_retry(state: RetryCallState) -> None:
    failed = f"attempt {state.attempt_number} of {ATTEMPTS} failed, retrying"
    error = str(state.outcome.exception()) if state.outcome else ""
    locked = [line for line in error.splitlines() if line.startswith(LOCKED)]
    lines = [f"the script conflicts with writers of the tables: {failed}", *locked]
    print("\n  ".join(lines), file=sys.stderr)


def pod_exists(props: dict[str, Any]) -> bool:
    """Return whether the pod in which scripts run exists."""
    return _command(props).pod_exists(_access(props).api_client())


def _command(props: dict[str, Any]) -> PodCommand:
    return PodCommand(props["namespace"], props["pod"], props["container"], props["command"])


def _access(props: dict[str, Any]) -> ClusterAccess:
    return ClusterAccess(props.get("context"))  # Pulumi omits inputs that are None
