"""What a request says about the object: its kind from the type token, and its name."""

from __future__ import annotations

from typing import Any

from provider_plugins.kubernetes.cluster import Object
from provider_plugins.kubernetes.manifest import AUTONAMED
from provider_plugins.provider import Naming, ProviderError, Resource
from provider_plugins.wire import UNKNOWN, Secret


def refuse_unsupported(token: str) -> None:
    """Refuse what is no plain Kubernetes object.

    Raises:
        ProviderError: with what to use instead.
    """
    module, _, kind = token.removeprefix("kubernetes:").partition(":")
    if module.startswith(("helm.sh", "kustomize", "yaml", "apiextensions.k8s.io:CustomResource")):
        raise ProviderError(f"{token}: the sandbox's plugin renders no charts or files")
    if kind.endswith("Patch"):
        raise ProviderError(f"{token}: the sandbox's plugin patches no foreign objects")
    if kind.endswith("List"):
        raise ProviderError(f"{token}: the sandbox's plugin takes objects one by one, not a list")


def kind_of(token: str) -> Object:
    """The kind that a type token names, for an import, where nothing else is known."""
    _, module, kind = token.split(":")
    return {"apiVersion": module.removeprefix("core/"), "kind": kind}


def named_metadata(
    metadata: dict[str, Any], old: dict[str, Any], resource: Resource, naming: Naming
) -> dict[str, Any]:
    """Metadata with a name: the program's, the one it got before, or a new one."""
    named = dict(metadata)
    if named.get("name") is not None or named.get("generateName") is not None:
        return named
    annotations = named.get("annotations")
    annotations = annotations.value if isinstance(annotations, Secret) else annotations
    old_annotations = old.get("annotations") or {}
    if old.get("name") and old_annotations.get(AUTONAMED) == "true":
        named["name"] = old["name"]
    else:
        named["name"] = naming.name(f"{resource.name}-", digits=8)
    if annotations is not UNKNOWN:
        named["annotations"] = {**(annotations or {}), AUTONAMED: "true"}
    return named
