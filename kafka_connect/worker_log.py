"""Why Kafka Connect could not give a connector's tasks their configuration, by the workers' logs.

No request to Connect has the reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from kafka_connect.cluster_access import ClusterAccess
from kafka_connect.explained_error import ExplainedError
from kafka_connect.status import first_cause

SELECTOR = "app.kubernetes.io/name=kafka-connect"
REQUEST_SECONDS = 10
# Of a worker's log; Connect repeats the message once a minute at least.
TAIL_LINES = 2000
LONGEST_REASON = 300
# How Kafka refuses a value, which can be a secret.
REFUSED_VALUE = re.compile(r"Invalid value .* for configuration ([\w.$-]+)(?:: (.*))?")


def reconfiguration_failure(access: Mapping[str, Any], connector: str, seconds: float) -> str:
    """Return why the tasks can't be configured, by what was logged in the last seconds.

    Empty where nothing was logged, or the workers are not reached through a Kubernetes API server.
    """
    if "namespace" not in access:
        return ""
    from kubernetes import client  # noqa: PLC0415  slow, and not needed to preview
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    namespace = str(access["namespace"])
    try:
        core = client.CoreV1Api(ClusterAccess(access.get("context")).api_client())
        pods = core.list_namespaced_pod(
            namespace, label_selector=SELECTOR, _request_timeout=REQUEST_SECONDS
        )
        names = [
            str(pod.metadata.name)
            for pod in pods.items
            if pod.metadata and pod.status and pod.status.phase == "Running"
        ]
        for name in names:
            text = core.read_namespaced_pod_log(
                name,
                namespace,
                tail_lines=TAIL_LINES,
                since_seconds=max(1, int(seconds)),
                _request_timeout=REQUEST_SECONDS,
            )
            if reason := last_failure(text, connector):
                return f"Kafka Connect, which can't configure the tasks: {reason}"
    except (ExplainedError, client.ApiException, HTTPError) as error:
        why = getattr(error, "reason", None) or error
        return f"an unknown reason, as the workers' logs can't be read: {why}"
    return ""


def last_failure(log: str, connector: str) -> str:
    """Return the first cause of the last failure to configure a connector's tasks, if there is one.

    A value that Kafka refuses is left out.
    """
    _, failed, after = log.rpartition(f"Failed to reconfigure connector's tasks ({connector})")
    lines = after.splitlines()[1:]
    if not failed or not lines:
        return ""
    stack = takewhile(lambda line: line.startswith(("\t", "Caused by: ")), lines[1:])
    cause = first_cause("\n".join([lines[0], *stack]))
    kind, _, message = cause.partition(": ")
    if refused := REFUSED_VALUE.fullmatch(message):
        message = ": ".join(filter(None, [refused[1], refused[2]]))
    return (message or kind)[:LONGEST_REASON]
