"""The calls to the Kubernetes API server that the plugin makes, and their failures."""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from provider_plugins.provider import ProviderError

if TYPE_CHECKING:
    from kubernetes.dynamic import DynamicClient
    from kubernetes.dynamic.resource import Resource as Api

Object = dict[str, Any]
"""A Kubernetes object as JSON."""

FIELD_MANAGER: Final = "pulumi-kubernetes"

TRANSIENT_STATUS: Final = frozenset({429, 503, 504})
TRANSIENT_ATTEMPTS: Final = 5
FIELD = re.compile(r"[.]\S+")
CONFLICT = re.compile(r'conflicts? with "(?P<manager>[^"]+)"[^:]*:(?P<fields>(?:\s*-?\s*\.\S+)+)')


@dataclass
class ApiServerError(ProviderError):
    """The API server refused a request. `status` is the HTTP code, `fields` the paths it names."""

    status: int
    message: str
    fields: tuple[str, ...] = ()
    retry_after: float = field(default=1.0, repr=False)

    def __str__(self) -> str:
        return f"{self.message} (HTTP {self.status})"

    @property
    def not_found(self) -> bool:
        """Whether the object, its kind or its namespace does not exist."""
        return self.status == 404

    @property
    def missing_namespace(self) -> bool:
        """Whether it is the namespace that does not exist."""
        return self.not_found and self.message.startswith("namespaces ")


class UnknownKindError(ProviderError):
    """The cluster serves no such kind: a misspelling, or its definition is not installed yet."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(
            f"the cluster has no kind {kind} in {api_version}: check both names, "
            "or install its CustomResourceDefinition first"
        )


def failure_from(status: int, body: Any) -> ApiServerError:
    """The failure that a response's status and body tell of."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        parsed = json.loads(text)
    except ValueError:
        return ApiServerError(status, text.strip() or "the API server gave no reason")
    details = parsed.get("details") or {}
    causes = details.get("causes") or []
    return ApiServerError(
        status,
        parsed.get("message") or text,
        tuple(cause["field"] for cause in causes if cause.get("field")),
        float(details.get("retryAfterSeconds", 1)),
    )


def warnings_of(header: str | None) -> list[str]:
    """The texts in a response's Warning header (``299 - "text", 299 - "text"``)."""
    texts = re.findall(r'299 \S+ "((?:[^"\\]|\\.)*)"', header or "")
    return [re.sub(r"\\(.)", r"\1", text) for text in texts]


def explain_conflict(failure: ApiServerError, what: str) -> ProviderError:
    """Who owns the fields that an apply wanted to set, and what to do about it."""
    owners = [
        f"{match['manager']} owns {', '.join(FIELD.findall(match['fields']))}"
        for match in CONFLICT.finditer(failure.message)
    ]
    return ProviderError(
        f"{what}: another program set the same fields: {'; '.join(owners) or failure.message}. "
        "Remove those fields from the program to leave them to their owner, or take them over "
        'with the annotation pulumi.com/patchForce: "true"'
    )


def load_kubeconfig(kubeconfig: Any) -> Object:
    """The kubeconfig that a provider's configuration means: its text, its path, or the default."""
    if isinstance(kubeconfig, dict):
        return kubeconfig
    if kubeconfig and ("\n" in kubeconfig or kubeconfig.lstrip().startswith("{")):
        return dict(yaml.safe_load(kubeconfig))
    path = Path(kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config").expanduser()
    if not path.is_file():
        raise ProviderError(
            f"no kubeconfig at {path}: set KUBECONFIG, kubernetes:kubeconfig or the provider's "
            "kubeconfig to the path or the text of one"
        )
    return dict(yaml.safe_load(path.read_text()))


class Cluster:
    """One API server. Safe to use from many threads."""

    def __init__(self, kubeconfig: Any = None, context: str | None = None) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._client: DynamicClient | None = None
        self._lock = threading.RLock()
        self._scratch = tempfile.TemporaryDirectory(prefix="pulumi-kubernetes-")

    def _connect(self) -> DynamicClient:
        # Imported here: half a second that Handshake and GetPluginInfo need not wait for.
        from kubernetes.client import ApiClient, Configuration  # noqa: PLC0415
        from kubernetes.config import load_kube_config_from_dict  # noqa: PLC0415
        from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415
        from kubernetes.dynamic import DynamicClient  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        with self._lock:
            if self._client is None:
                configuration = Configuration()
                try:
                    load_kube_config_from_dict(
                        load_kubeconfig(self._kubeconfig),
                        context=self._context,
                        client_configuration=configuration,
                    )
                except ConfigException as error:
                    raise ProviderError(f"the kubeconfig cannot be used: {error}") from error
                configuration.connection_pool_maxsize = 64
                configuration.retries = False
                cache = str(Path(self._scratch.name) / "discovery.json")
                try:
                    self._client = DynamicClient(ApiClient(configuration), cache_file=cache)
                except HTTPError as error:
                    raise unreachable(configuration.host, error) from error
            return self._client

    def api(self, obj: Object) -> Api:
        """The resource type that serves an object's kind.

        Raises:
            UnknownKindError: the cluster has none.
        """
        from kubernetes.dynamic.exceptions import ResourceNotFoundError  # noqa: PLC0415

        api_version, kind = obj["apiVersion"], obj["kind"]
        client = self._connect()
        with self._lock:  # the discovery cache is not made for threads
            try:
                found: Api = client.resources.get(api_version=api_version, kind=kind)
            except ResourceNotFoundError:
                raise UnknownKindError(api_version, kind) from None
        return found

    def forget_kinds(self) -> None:
        """Look the kinds up afresh: a definition may have been installed meanwhile."""
        client = self._connect()
        with self._lock:
            client.resources.invalidate_cache()

    def apply(
        self, obj: Object, *, dry_run: bool = False, force: bool = False
    ) -> tuple[Object, list[str]]:
        """Server-side apply with strict field validation.

        Returns the object as it is afterwards, and the API server's warnings, such as those of
        Pod Security.

        Raises:
            ApiServerError: the API server refuses it.
            UnknownKindError: the cluster has no such kind.
        """
        metadata = obj["metadata"]
        query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict")]
        query += [("force", "true")] if force else []
        query += [("dryRun", "All")] if dry_run else []
        path = self.api(obj).path(name=metadata["name"], namespace=metadata.get("namespace"))
        response = self._request(
            "patch", path, body=obj, query=query, content_type="application/apply-patch+yaml"
        )
        live: Object = json.loads(response.data)
        return live, warnings_of(response.headers.get("Warning"))

    def get(self, obj: Object, name: str, namespace: str | None) -> Object | None:
        """An object of the same kind as `obj`; None if there is none."""
        try:
            return self._json("get", self.api(obj).path(name=name, namespace=namespace))
        except ApiServerError as failure:
            if failure.not_found:
                return None
            raise

    def list_objects(
        self, api_version: str, kind: str, namespace: str | None, **selectors: str
    ) -> list[Object]:
        """The objects of a kind, filtered by labelSelector or fieldSelector."""
        path = self.api({"apiVersion": api_version, "kind": kind}).path(namespace=namespace)
        items: list[Object] = self._json("get", path, query=list(selectors.items()))["items"]
        return items

    def delete(self, obj: Object, name: str, namespace: str | None, propagation: str) -> bool:
        """Ask for an object's deletion; False if it was gone already."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        }
        try:
            self._json("delete", self.api(obj).path(name=name, namespace=namespace), body=options)
        except ApiServerError as failure:
            if failure.not_found:
                return False
            raise
        return True

    def log_tail(
        self, pod: str, namespace: str, container: str, lines: int, *, previous: bool
    ) -> str:
        """The last lines that a container wrote, or that its previous run wrote."""
        query = [("container", container), ("tailLines", str(lines))]
        query += [("previous", "true")] if previous else []
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        data: bytes = self._request("get", path, query=query).data
        return data.decode(errors="replace").strip()

    def _json(self, method: str, path: str, **request: Any) -> Object:
        result: Object = json.loads(self._request(method, path, **request).data)
        return result

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: Object | None = None,
        query: list[tuple[str, str]] | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """Send a request; once more, a few times, when the API server says it is only busy."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        client = self._connect()
        attempt = 1
        while True:
            try:
                return client.request(
                    method,
                    path,
                    body=body,
                    query_params=list(query or []),
                    content_type=content_type,
                    serialize=False,
                )
            except ApiException as error:
                failure = failure_from(error.status, error.body)
                if failure.status not in TRANSIENT_STATUS or attempt == TRANSIENT_ATTEMPTS:
                    raise failure from error
                time.sleep(failure.retry_after)
            except HTTPError as error:
                if attempt == TRANSIENT_ATTEMPTS:
                    raise unreachable(client.configuration.host, error) from error
                time.sleep(1)
            attempt += 1


def unreachable(host: str, error: Exception) -> ProviderError:
    """The failure of an API server that does not answer."""
    return ProviderError(f"the Kubernetes API server {host} does not answer: {error}")
