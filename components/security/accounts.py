"""Service accounts, one per workload, without permissions in the Kubernetes API.

Kafka Connect does not call the Kubernetes API. The design lets it read ConfigMaps, Secrets and
pods. That role is created only if the stack file asks for it, and is restricted to Connect's own
objects by name: who can list a namespace's Secrets can read every password in it.
"""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components.manifests import Manifest, metadata
from components.workloads import Workload


def declare_service_accounts(
    workloads: list[Workload],
    namespace: pulumi.Input[str],
    with_token: set[Workload],
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """Declare a service account for each workload; only those of `with_token` mount a token."""
    return [
        kubernetes.core.v1.ServiceAccount(
            workload.service_account,
            metadata=metadata(workload.service_account, namespace, workload),
            automount_service_account_token=workload in with_token,
            opts=opts,
        )
        for workload in workloads
    ]


def declare_connect_role(
    namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Declare the design's RBAC for Connect, restricted to the objects with its name."""
    connect = Workload.CONNECT
    role = kubernetes.rbac.v1.Role(
        connect.service_account,
        metadata=metadata(connect.service_account, namespace, connect),
        rules=[connect_rule()],
        opts=opts,
    )
    role_ref: Manifest = {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": connect.service_account,
    }
    subject: Manifest = {
        "kind": "ServiceAccount",
        "name": connect.service_account,
        "namespace": namespace,
    }
    binding = kubernetes.rbac.v1.RoleBinding(
        connect.service_account,
        metadata=metadata(connect.service_account, namespace, connect),
        role_ref=role_ref,
        subjects=[subject],
        opts=opts,
    )
    return [role, binding]


def connect_rule() -> Manifest:
    """Return the role's rule. It omits the design's pods: their names change."""
    return {
        "apiGroups": [""],
        "resources": ["configmaps", "secrets"],
        "resourceNames": [Workload.CONNECT.value],
        "verbs": ["get", "list", "watch"],
    }
