"""Kubernetes manifests as they are written in YAML: dictionaries with camelCase keys."""

import json
from typing import Any, TypeAlias

import pulumi

from components.workloads import PART_OF, Workload

# A piece of a manifest. The API server checks its fields, in preview too (server-side dry run).
Manifest: TypeAlias = Any

PIPELINE_LABELS = {"app.kubernetes.io/part-of": PART_OF}


def metadata(
    name: str,
    namespace: pulumi.Input[str],
    workload: Workload | None = None,
) -> Manifest:
    """Return the `metadata` of an object of a workload, or of the pipeline as a whole."""
    labels = workload.labels if workload else PIPELINE_LABELS
    return {"name": name, "namespace": namespace, "labels": labels}


def rollout_annotations(replicas: int) -> Manifest:
    """Return a StatefulSet's annotations that make an update wait until its pods are replaced.

    Of its own, the provider looks at the status from before the update, and returns immediately.
    """
    conditions = [
        f"jsonpath={{.status.{count}}}={replicas}" for count in ("updatedReplicas", "readyReplicas")
    ]
    return {"pulumi.com/waitFor": json.dumps(conditions)}


def name_of(resource: pulumi.CustomResource) -> pulumi.Output[str]:
    """Return an object's `metadata.name`, for references that wait until the object is there.

    By attribute, not apply(): in a preview the name is known while the object's uid is not.
    """
    name: pulumi.Output[str] = resource.metadata.name  # type: ignore[attr-defined]
    return name
