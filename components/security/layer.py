"""The security layer as one component."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components.config.security import SecuritySettings
from components.manifests import PIPELINE_LABELS, metadata, name_of
from components.security.accounts import declare_connect_role, declare_service_accounts
from components.security.arguments import SecurityArgs
from components.security.credentials import Credentials, generate_credentials
from components.security.network import flows, policy_specs
from components.security.storage_class import declare_storage_class
from components.workloads import Workload


class Security(pulumi.ComponentResource):
    """Namespace, accounts, credentials, network policies, and the class that keeps volumes."""

    # Its name, known to other layers only after its accounts, network policies and storage class
    # exist: no pod starts without them, and they are deleted after the last pod.
    namespace: pulumi.Output[str]
    credentials: Credentials

    def __init__(
        self, name: str, args: SecurityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:security:Security", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        namespace = self._declare_namespace(args.settings)
        guards = [
            *self._accounts(args, namespace),
            *self._network_policies(args, namespace),
            *declare_storage_class(args.cluster, self._child),
        ]
        self.namespace = pulumi.Output.all(namespace, *(guard.urn for guard in guards)).apply(
            lambda values: str(values[0])
        )
        self.credentials = generate_credentials(args.settings.credentials_version, self._child)
        self.register_outputs({"namespace": self.namespace})

    def _declare_namespace(self, settings: SecuritySettings) -> pulumi.Output[str]:
        """Declare the namespace, which admits only pods that meet the Pod Security level."""
        levels = {
            f"pod-security.kubernetes.io/{mode}": settings.pod_security
            for mode in ("enforce", "audit", "warn")
        }
        namespace = kubernetes.core.v1.Namespace(
            settings.namespace,
            metadata={"name": settings.namespace, "labels": {**PIPELINE_LABELS, **levels}},
            opts=self._child,
        )
        return name_of(namespace)

    def _accounts(self, args: SecurityArgs, namespace: pulumi.Output[str]) -> list[pulumi.Resource]:
        asks_kubernetes = {Workload.CONNECT} if args.settings.connect_rbac == "design" else set()
        accounts = declare_service_accounts(args.workloads, namespace, asks_kubernetes, self._child)
        role = declare_connect_role(namespace, self._child) if asks_kubernetes else []
        return [*accounts, *role]

    def _network_policies(
        self, args: SecurityArgs, namespace: pulumi.Output[str]
    ) -> list[pulumi.Resource]:
        return [
            kubernetes.networking.v1.NetworkPolicy(
                f"{policy}-network",
                metadata=metadata(policy, namespace),
                spec=spec,
                opts=self._child,
            )
            for policy, spec in policy_specs(args.workloads, flows(args)).items()
        ]
