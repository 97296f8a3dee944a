"""psql in the server's pod, as the dynamic resources of the source layer call it."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from typing import Any

import pulumi
from urllib3.exceptions import HTTPError

from components.source.pod_exec import PodCommand, PodExecError
from components.source.schema import variable
from kafka_connect.cluster_access import ClusterAccess, ClusterAccessError

TIMEOUT_SECONDS = 300
PREVIEW_SECONDS = 60
ATTEMPTS = 5
IN_THE_WAY = re.compile("deadlock detected|canceling statement due to lock timeout")
WHERE = ("context", "namespace", "pod", "container", "command")
"""the inputs of a resource that say where its scripts run"""


@dataclass(frozen=True)
class Psql:
    """psql as superuser, in a container of a pod."""

    access: ClusterAccess
    namespace: pulumi.Input[str]
    pod: str
    container: str
    command: list[str]

    def inputs(self) -> dict[str, pulumi.Input[Any]]:
        """Of a dynamic resource, which runs in a process of its own."""
        return {
            "context": self.access.context,
            "namespace": self.namespace,
            "pod": self.pod,
            "container": self.container,
            "command": self.command,
        }


def run_script(props: dict[str, Any], script: str, **secrets: str) -> str:
    """Run a script with these variables of psql; they go by its standard input alone.

    A script changes all or nothing; where writers of the tables got in its way it is repeated.
    Raises PodExecError with PostgreSQL's own words where it fails.
    """
    text = "".join(variable(name, value) for name, value in secrets.items()) + script
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _command(props).run(_access(props).api_client(), text, TIMEOUT_SECONDS)
        except PodExecError as error:
            if attempt == ATTEMPTS or not IN_THE_WAY.search(str(error)):
                raise
            print(f"the tables are busy, trying again ({attempt} of {ATTEMPTS})", file=sys.stderr)
            time.sleep(attempt)
    raise AssertionError("the last attempt returns or raises")


def read_from_database(props: dict[str, Any], script: str) -> str | None:
    """Run a script that changes nothing, as a preview does; return what it prints.

    Return None, with the reason on standard error, where there is no running database to ask.
    """
    from kubernetes import client  # noqa: PLC0415  slow, and not needed where nothing is known yet

    try:
        if not pod_is_there(props):
            return None
        return _command(props).run(_access(props).api_client(), script, PREVIEW_SECONDS)
    except (ClusterAccessError, PodExecError, HTTPError, client.ApiException) as error:
        print(f"the captured tables were not checked: {error}", file=sys.stderr)
        return None


def pod_is_there(props: dict[str, Any]) -> bool:
    """Whether there is a pod to run anything in."""
    return _command(props).pod_is_there(_access(props).api_client())


def _command(props: dict[str, Any]) -> PodCommand:
    return PodCommand(props["namespace"], props["pod"], props["container"], props["command"])


def _access(props: dict[str, Any]) -> ClusterAccess:
    return ClusterAccess(props.get("context"))  # Pulumi leaves out what is None
