"""The storage class that keeps volumes whose claims are deleted, for clusters without one.

kind has only `standard`, with reclaim policy Delete: deleting a claim there deletes the data.
"""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components.config.cluster import ClusterSettings
from components.manifests import PIPELINE_LABELS


def declare_storage_class(
    settings: ClusterSettings, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Declare the class where the stack names its provisioner; nothing where the cluster has it."""
    if settings.storage_provisioner is None:
        return []
    storage_class = kubernetes.storage.v1.StorageClass(
        settings.storage_class,
        metadata={"name": settings.storage_class, "labels": PIPELINE_LABELS},
        provisioner=settings.storage_provisioner,
        reclaim_policy="Retain",
        # A volume on a node's disk can only be created where its pod will run.
        volume_binding_mode="WaitForFirstConsumer",
        opts=opts,
    )
    return [storage_class]
