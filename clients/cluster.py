"""Reads the pipeline's pods from the cluster: readiness, restarts, memory and limits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kubernetes import config
from kubernetes.utils.quantity import parse_quantity

from clients.stack import StackError, StackOutputs

MEBIBYTE = 1024 * 1024
REQUEST_SECONDS = 20


@dataclass(frozen=True)
class Resources:
    """Memory in bytes and CPU in cores."""

    memory: int = 0
    cpu: Decimal = Decimal(0)

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(self.memory + other.memory, self.cpu + other.cpu)

    def at_least(self, other: "Resources") -> "Resources":
        """Return the larger memory and the larger CPU of both."""
        return Resources(max(self.memory, other.memory), max(self.cpu, other.cpu))

    def within(self, limit: "Resources") -> bool:
        """Return whether neither memory nor CPU exceeds the limit."""
        return self.memory <= limit.memory and self.cpu <= limit.cpu


@dataclass(frozen=True)
class Pod:
    """The state of a pod and the resources of its containers together."""

    name: str
    phase: str
    ready: bool
    # Kubernetes' own message; empty if the pod is ready.
    why_not_ready: str
    restarts: int
    # Containers whose current or last termination was by the OOM killer.
    out_of_memory_kills: int
    limits: Resources
    # Containers without a memory or a CPU limit.
    unlimited: tuple[str, ...]
    used: Resources
    # Whether it belongs to a Job, and so ends by itself.
    of_job: bool = False


class Cluster:
    """The namespace of a stack, read with the user's own kubeconfig."""

    def __init__(self, outputs: StackOutputs) -> None:
        """Raise StackError if there is no usable kubeconfig."""
        self.namespace = outputs.namespace
        try:
            self.api = config.new_client_from_config(context=outputs.context)
        except config.ConfigException as error:
            raise StackError(
                f'no usable kubeconfig: {error}; run eval "$(make env)" or set KUBECONFIG'
            ) from None

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON at a path of the API server, or of what it proxies to.

        Raises kubernetes.client.ApiException unless the status is 2xx.
        """
        response = self._request("GET", path, query, "application/json")
        return self.api.response_deserialize(response, {"2XX": "object"}).data

    def get_text(self, path: str) -> str:
        """Return the text at a path of a pod or service behind the API server.

        Raises kubernetes.client.ApiException unless the status is 2xx.
        """
        response = self._request("GET", path, {}, "text/plain")
        return str(self.api.response_deserialize(response, {"2XX": "str"}).data)

    def put(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        """PUT a JSON body, or none. Raises kubernetes.client.ApiException if refused."""
        response = self._request("PUT", path, {}, "application/json", body)
        self.api.response_deserialize(response, {"2XX": "str"})

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST a JSON body; return the object that the server made of it.

        Raises kubernetes.client.ApiException if refused.
        """
        response = self._request("POST", path, {}, "application/json", body)
        return self.api.response_deserialize(response, {"2XX": "object"}).data

    def patch(self, path: str, changes: Mapping[str, Any]) -> Any:
        """Change some fields of an object, by a merge patch; return the object.

        Raises kubernetes.client.ApiException if refused, with 409 if `changes` name a
        resourceVersion that the object had earlier.
        """
        kind = "application/merge-patch+json"
        response = self._request("PATCH", path, {}, "application/json", changes, content_type=kind)
        return self.api.response_deserialize(response, {"2XX": "object"}).data

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        accept: str,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",
    ) -> Any:
        request = self.api.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": accept, "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        response = self.api.call_api(*request, _request_timeout=REQUEST_SECONDS)
        response.read()
        return response

    def pods(self) -> list[Pod]:
        """Return the pods of the namespace that run or are starting."""
        found = self.get(f"/api/v1/namespaces/{self.namespace}/pods")["items"]
        present = [pod for pod in found if pod["status"]["phase"] not in {"Succeeded", "Failed"}]
        nodes = {pod["spec"].get("nodeName") for pod in present} - {None}
        used = self._used(nodes)
        return [read_pod(pod, used.get(pod["metadata"]["name"], Resources())) for pod in present]

    def _used(self, nodes: Iterable[str]) -> dict[str, Resources]:
        """Return the usage of each pod from the kubelets' statistics; needs no metrics server."""
        used: dict[str, Resources] = {}
        for node in nodes:
            for pod in self.get(f"/api/v1/nodes/{node}/proxy/stats/summary")["pods"]:
                if pod["podRef"]["namespace"] == self.namespace:
                    used[pod["podRef"]["name"]] = Resources(
                        pod.get("memory", {}).get("workingSetBytes", 0),
                        Decimal(pod.get("cpu", {}).get("usageNanoCores", 0)) / 1_000_000_000,
                    )
        return used


def read_pod(manifest: Mapping[str, Any], used: Resources) -> Pod:
    """Return a pod from its manifest and status."""
    status = manifest["status"]
    containers = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    ready = conditions.get("Ready", {}).get("status") == "True"
    return Pod(
        name=manifest["metadata"]["name"],
        phase=status["phase"],
        ready=ready,
        why_not_ready="" if ready else _why_not_ready(containers, conditions),
        restarts=sum(container["restartCount"] for container in containers),
        out_of_memory_kills=sum(_was_out_of_memory(container) for container in containers),
        limits=effective_limits(manifest["spec"]),
        unlimited=_unlimited(manifest["spec"]),
        used=used,
        of_job=any(
            owner["kind"] == "Job" for owner in manifest["metadata"].get("ownerReferences", [])
        ),
    )


def effective_limits(spec: Mapping[str, Any]) -> Resources:
    """Return the most that a pod may use at any time, by Kubernetes' rule for init containers.

    They run one after the other before the containers, together with the sidecars (init containers
    with restartPolicy Always) that were started before them.
    """
    sidecars, while_starting = Resources(), Resources()
    for container in spec.get("initContainers", []):
        if container.get("restartPolicy") == "Always":
            sidecars += _limits(container)
            while_starting = while_starting.at_least(sidecars)
        else:
            while_starting = while_starting.at_least(sidecars + _limits(container))
    running = sum((_limits(container) for container in spec["containers"]), start=sidecars)
    return running.at_least(while_starting)


def total(parts: Iterable[Resources]) -> Resources:
    return sum(parts, start=Resources())


def _limits(container: Mapping[str, Any]) -> Resources:
    limits = container.get("resources", {}).get("limits", {})
    return Resources(
        int(parse_quantity(limits.get("memory", "0"))), parse_quantity(limits.get("cpu", "0"))
    )


def _unlimited(spec: Mapping[str, Any]) -> tuple[str, ...]:
    every = [*spec.get("initContainers", []), *spec["containers"]]
    return tuple(
        container["name"]
        for container in every
        if not {"memory", "cpu"} <= container.get("resources", {}).get("limits", {}).keys()
    )


def _was_out_of_memory(container: Mapping[str, Any]) -> bool:
    return any(
        container.get(state, {}).get("terminated", {}).get("reason") == "OOMKilled"
        for state in ("state", "lastState")
    )


def _why_not_ready(
    containers: Iterable[Mapping[str, Any]], conditions: Mapping[str, Mapping[str, Any]]
) -> str:
    for container in containers:
        for state in container["state"].values():
            if state and state.get("reason") not in {None, "Completed", "PodInitializing"}:
                return f"{container['name']}: {state['reason']} {state.get('message', '')}".strip()
    for condition in ("PodScheduled", "Ready"):
        message = conditions.get(condition, {}).get("message")
        if message:
            return str(message)
    return "starting"
