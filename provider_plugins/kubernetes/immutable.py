"""Fields that Kubernetes does not let change in place: their change replaces the object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from provider_plugins.diff import Changes, paths_touching
from provider_plugins.kubernetes.cluster import ApiServerError

ALWAYS: Final = ("apiVersion", "kind", "metadata.name", "metadata.namespace")

BY_KIND: Final[dict[str, tuple[str, ...]]] = {
    "ClusterRoleBinding": ("roleRef",),
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "Job": (
        "spec.completionMode",
        "spec.completions",
        "spec.manualSelector",
        "spec.podFailurePolicy",
        "spec.selector",
        "spec.template",
    ),
    "PersistentVolumeClaim": (
        "spec.accessModes",
        "spec.dataSource",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeMode",
        "spec.volumeName",
    ),
    "ReplicaSet": ("spec.selector",),
    "RoleBinding": ("roleRef",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP",),
    "StatefulSet": (
        "spec.podManagementPolicy",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    "StorageClass": ("allowedTopologies", "parameters", "provisioner", "reclaimPolicy"),
}
"""Known before the API server is asked, so that it also holds where it cannot be asked."""

REFUSALS: Final = ("field is immutable", "may not change", "updates to ", "cannot be changed")
"""The API server's words for a field that does not change in place."""


def immutable_paths(kind: str) -> tuple[str, ...]:
    """The property paths of a kind whose change always means a replacement."""
    return ALWAYS + BY_KIND.get(kind, ())


def paths_refused(failure: ApiServerError, changes: Changes) -> set[str]:
    """The changed paths that a dry run refused as immutable; empty if it failed otherwise.

    Some refusals name the field (a Pod's ``spec``), some name none: then every change is meant.
    """
    if failure.status != 422 or not any(words in failure.message for words in REFUSALS):
        return set()
    return paths_touching(changes, failure.fields) or set(changes)


def needs_replacement(kind: str, changes: Iterable[str]) -> bool:
    """Whether the table alone says that one of the changes means a replacement."""
    return bool(paths_touching(changes, immutable_paths(kind)))
