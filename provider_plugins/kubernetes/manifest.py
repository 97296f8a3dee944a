"""Between a resource's properties and a Kubernetes object."""

from __future__ import annotations

import base64
import binascii
import copy
from typing import Any, Final

from provider_plugins.diff import shape_like
from provider_plugins.kubernetes.cluster import Object
from provider_plugins.wire import (
    UNKNOWN,
    Properties,
    Secret,
    Unknown,
    carry_secrets,
    plain,
)

AUTONAMED: Final = "pulumi.com/autonamed"
DELETION_PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"
PATCH_FORCE: Final = "pulumi.com/patchForce"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
TIMEOUT_SECONDS: Final = "pulumi.com/timeoutSeconds"

MADE_BY_SERVER: Final = ("uid", "resourceVersion", "creationTimestamp", "generation")
"""Metadata that a preview cannot know, even though a dry run returns some of it."""

ALLOCATED: Final = ("clusterIP", "clusterIPs", "healthCheckNodePort")
"""A Service's fields that the API server fills in when it is really created."""

IMPORTED_METADATA: Final = ("name", "namespace", "labels", "annotations")


def manifest_of(inputs: Properties) -> Object:
    """The object to apply: without secret wrappers, a Secret's text as base64 data.

    The API server merges stringData into data on writing and never shows it again, so only data
    can be compared, and only data can lose a key.
    """
    obj: Object = plain(inputs)
    if is_secret(obj) and isinstance(obj.get("stringData"), dict):
        texts = obj.pop("stringData")
        obj["data"] = {**(obj.get("data") or {}), **{k: _encoded(v) for k, v in texts.items()}}
    return obj


def _encoded(text: Any) -> Any:
    return UNKNOWN if isinstance(text, Unknown) else base64.b64encode(text.encode()).decode()


def is_secret(obj: Object) -> bool:
    """Whether the object is a Kubernetes Secret."""
    return obj.get("kind") == "Secret" and obj.get("apiVersion") == "v1"


def object_id(obj: Object) -> str:
    """The resource id: ``namespace/name``, or the name of what has no namespace."""
    metadata = obj["metadata"]
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])


def split_id(resource_id: str) -> tuple[str | None, str]:
    """Namespace (None where there is none) and name of a resource id."""
    namespace, _, name = resource_id.rpartition("/")
    return namespace or None, name


def annotation(obj: Object, key: str) -> str | None:
    """An annotation's value."""
    value: str | None = (obj["metadata"].get("annotations") or {}).get(key)
    return value


def outputs_of(live: Object, inputs: Properties) -> Properties:
    """The resource's outputs: the object as it is, secret wherever the inputs are.

    A Secret's values are secret whether or not the program marked them.
    """
    outputs = copy.deepcopy(live)
    outputs["metadata"].pop("managedFields", None)
    if not is_secret(outputs):
        return _with_secrets_of(inputs, outputs)
    marked = {key: value for key, value in inputs.items() if key not in ("data", "stringData")}
    outputs = _with_secrets_of(marked, outputs)
    outputs["data"] = Secret(outputs.get("data") or {})
    if inputs.get("stringData") is not None:
        outputs["stringData"] = Secret(plain(inputs["stringData"]))
    return outputs


def previewed_outputs(dry: Object, inputs: Properties) -> Properties:
    """A dry run's outputs, with what only a real run can know as unknown."""
    outputs = outputs_of(dry, inputs)
    outputs["metadata"] |= dict.fromkeys(MADE_BY_SERVER, UNKNOWN)
    if "status" in outputs:
        outputs["status"] = UNKNOWN
    if outputs["kind"] == "Service":
        asked = plain(inputs).get("spec") or {}
        spec = outputs["spec"]
        spec |= {key: UNKNOWN for key in ALLOCATED if key in spec and key not in asked}
        if spec.get("type") in ("NodePort", "LoadBalancer"):
            spec["ports"] = _ports_with_unknowns(spec["ports"], asked.get("ports") or [])
    return outputs


def _ports_with_unknowns(ports: list[Any], asked: list[Any]) -> list[Any]:
    """Ports whose node port the program leaves open: a dry run's choice is not the real one."""
    chosen = {port.get("port") for port in asked if port.get("nodePort")}
    return [
        port if port["port"] in chosen or "nodePort" not in port else {**port, "nodePort": UNKNOWN}
        for port in ports
    ]


def without_node_ports(service: Object) -> Object:
    """A Service that leaves the choice of its node ports to the API server."""
    spec = service["spec"]
    ports = [{k: v for k, v in port.items() if k != "nodePort"} for port in spec["ports"]]
    return {**service, "spec": {**spec, "ports": ports}}


def _with_secrets_of(inputs: Properties, outputs: Properties) -> Properties:
    marked: Properties = carry_secrets(outputs, inputs)
    return marked


def drifted_inputs(inputs: Properties, live: Object, reapplied: Object | None) -> Properties:
    """The inputs with the live value wherever the object is no longer as the program wants it.

    `reapplied` is what a dry run of applying the inputs would make of the object. Where that
    equals the live object nothing drifted, however differently the API server writes a value
    (``1000m`` and ``1``). Without it the values are compared as they stand.
    """
    wanted = manifest_of(inputs)
    result = shape_like(wanted, live) if reapplied is None else _drift(wanted, reapplied, live)
    if is_secret(wanted) and inputs.get("stringData") is not None:
        result = _with_string_data(result, inputs)
    drifted: Properties = carry_secrets(result, inputs)
    return drifted


def _drift(wanted: Any, reapplied: Any, live: Any) -> Any:
    if reapplied == live:
        return wanted
    triple = (wanted, reapplied, live)
    if all(isinstance(value, dict) for value in triple):
        return {
            key: _drift(value, reapplied.get(key), live[key])
            for key, value in wanted.items()
            if key in live
        }
    if all(isinstance(value, list) for value in triple) and len(wanted) == len(live):
        if len(reapplied) == len(live):
            return [_drift(*values) for values in zip(*triple, strict=True)]
        return live
    return shape_like(wanted, live)


def _with_string_data(obj: Object, inputs: Properties) -> Object:
    """The data of a Secret back in the two properties that the program uses."""
    encoded = set(plain(inputs).get("data") or {})
    data = obj.pop("data", None) or {}
    obj["stringData"] = {key: _decoded(data[key]) for key in data if key not in encoded}
    if encoded:
        obj["data"] = {key: value for key, value in data.items() if key in encoded}
    return obj


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return data  # written by hand and no text: shown as it is, which differs from the program


def imported_inputs(live: Object) -> Properties:
    """The inputs of an object that the program does not know yet."""
    inputs = {key: value for key, value in live.items() if key != "status"}
    metadata = live["metadata"]
    inputs["metadata"] = {key: metadata[key] for key in IMPORTED_METADATA if key in metadata}
    if is_secret(live):
        inputs["data"] = Secret(live.get("data") or {})
    return inputs
