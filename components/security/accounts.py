"""Service accounts, one per workload, and what they may ask of the Kubernetes API: nothing.

Kafka Connect calls no Kubernetes API. The design's grant to it (read ConfigMaps, Secrets and pods)
is made only where a stack asks for it, and then for Connect's own objects by name: whoever may
list a namespace's Secrets has every password in it.
"""

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
    """A service account for each workload; only `with_token` get a token mounted."""
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
    """The design's RBAC for Connect, restricted to the objects that bear its name."""
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
    """Pods are left out of the design's list: their names change, so they can't be granted."""
    return {
        "apiGroups": [""],
        "resources": ["configmaps", "secrets"],
        "resourceNames": [Workload.CONNECT.value],
        "verbs": ["get", "list", "watch"],
    }
