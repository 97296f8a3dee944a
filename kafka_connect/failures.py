"""The errors of requests to Kafka Connect, each with what to do about it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from kafka_connect.explained_error import ExplainedError

if TYPE_CHECKING:
    import requests


class ConnectError(ExplainedError):
    """Connect refused a request; the message is Connect's own."""


class ConnectorMissingError(ConnectError):
    """Connect has no connector (or no status yet) of that name."""


class ConnectorExistsError(ConnectError):
    """Connect has a connector of that name already."""


class WorkerMissingError(ConnectError):
    """The API server says that the worker's service or namespace does not exist."""


class UnsettledError(ConnectError):
    """A worker starts, or the workers rebalance: repeat the request later."""


class ConnectUnavailableError(ConnectError):
    """No answer, or none from Connect itself."""


# Connect's messages, with status 409 or 500, during a rebalance.
REBALANCE = re.compile(
    r"rebalance|conflicting operation|stale configuration|forward REST request"
    r"|Request timed out|no known leader",
    re.IGNORECASE,
)


def failure_of(response: requests.Response, what: str) -> ConnectError:
    """Return the error for a response without success."""
    body = _json(response)
    if "error_code" in body:
        return _of_connect(response.status_code, str(body.get("message")), what)
    return _of_the_way_there(response, body, what)


def _of_connect(status: int, message: str, what: str) -> ConnectError:
    if status == HTTPStatus.NOT_FOUND:
        return ConnectorMissingError(f"{what}: {message}")
    if status == HTTPStatus.CONFLICT and "already exists" in message:
        return ConnectorExistsError(f"{what}: {message}")
    if status == HTTPStatus.CONFLICT or REBALANCE.search(message):
        return UnsettledError(f"{what}: {message}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ConnectUnavailableError(f"{what}: Kafka Connect failed with {status}: {message}")
    return ConnectError(f"{what}: {message}")


def _of_the_way_there(response: requests.Response, body: dict[str, Any], what: str) -> ConnectError:
    """Return an error of the API server's proxy, or of a server that is not Kafka Connect."""
    status = response.status_code
    said = str(body.get("message") or response.text.strip()[:300] or response.reason)
    if status == HTTPStatus.NOT_FOUND:
        return _not_found(body, said, what)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ConnectError(
            f"{what}: the Kubernetes API server refuses: {said}. The kubeconfig's user needs the"
            " verbs get, create, update and delete on services/proxy in that namespace."
        )
    if "no endpoints available" in said:
        return ConnectUnavailableError(
            f"{what}: no Kafka Connect worker is ready: {said}. kubectl -n data-ingestion"
            " describe pod -l"
            " app.kubernetes.io/name=kafka-connect shows why."
        )
    if status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE):
        return ConnectUnavailableError(
            f"{what}: the API server can't reach the worker: {said}. Is its port open to the node"
            " network (NetworkPolicy), and has it started?"
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ConnectUnavailableError(f"{what}: HTTP {status}: {said}")
    return ConnectError(f"{what}: HTTP {status}, and not from Kafka Connect: {said}")


def _not_found(body: dict[str, Any], said: str, what: str) -> ConnectError:
    if body.get("kind") == "Status":
        return WorkerMissingError(f"{what}: {said}")
    if "URI:" in said:
        # Jetty's own page: it listens a few seconds before the worker has added its resources.
        return UnsettledError(f"{what}: the Kafka Connect worker is starting")
    return ConnectError(f"{what}: HTTP 404, and not from Kafka Connect: {said}")


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
