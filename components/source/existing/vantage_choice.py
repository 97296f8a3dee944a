"""The choice of the place that a database is looked at from."""

from __future__ import annotations

from typing import Literal

from components.config.existing_source import ExistingSource
from components.source.existing.problem import Problem, UnreachableError
from components.source.existing.reach import NoTcpError, Way, way_to
from components.source.existing.vantage import ThisMachine, UnusableVantageError
from components.source.existing.worker_place import WorkerPlace

Where = Literal["cluster", "here"]


def open_way(
    name: str, source: ExistingSource, worker: WorkerPlace | None, where: Where | None = None
) -> Way:
    """Return the way from a worker's pod; from this machine where no pod can be used.

    `where` insists on one of the two. Raises UnreachableError with the hop that fails.
    """
    if where == "here":
        return way_to(name, source, ThisMachine(), "as WHERE=here asks for")
    try:
        if worker is None:
            raise UnusableVantageError("the namespace of the worker does not exist yet")
        return _from_worker(name, source, worker)
    except UnusableVantageError as error:
        reason = str(error)
    if where == "cluster":
        raise UnreachableError(
            Problem(f"Kubernetes: {reason}", "deploy the stack, or look from here: WHERE=here")
        )
    return way_to(name, source, ThisMachine(), reason)


def _from_worker(name: str, source: ExistingSource, worker: WorkerPlace) -> Way:
    """Return the way from a worker's pod. Raises UnusableVantageError where it is not open yet."""
    pod = worker.pod()
    try:
        return way_to(name, source, pod)
    except NoTcpError as error:
        target = f"{error.address}:{source.port}"
        if not worker.may_connect(error.address, source.port):
            raise UnusableVantageError(
                f"the deployed NetworkPolicies do not let the worker connect to {target} yet, which"
                " make up changes"
            ) from None
        try:
            ThisMachine().try_tcp(error.address, source.port)
        except OSError:
            raise error from None
        raise UnreachableError(
            Problem(
                f"the cluster's network: {target} answers this machine, but not {pod.name}, which"
                " the namespace's NetworkPolicies allow",
                "allow the addresses of the cluster's nodes and pods in the server's firewall or"
                " security group, and connections from the cluster to that address",
            )
        ) from None
