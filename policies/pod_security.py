"""Pod security: Kubernetes' restricted profile, and three more rules.

The profile is that of Kubernetes' "Pod Security Standards"; in addition, the root file system
is read-only, a service account's token is mounted only where it is used, and there are no service
links.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.finding import Finding, judge
from policies.pods import Container, PodTemplate, pod_template
from policies.resource import Properties, Resource
from policies.settings import Schemas, Settings

SETTINGS: Schemas = {
    "tokenWorkloads": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "names of workloads that call the Kubernetes API and so may mount a token",
    },
    "writableRootContainers": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "names of containers whose program must write to its root file system",
    },
}

# The volume types that the restricted profile allows.
VOLUME_TYPES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
SECCOMP_TYPES = ("RuntimeDefault", "Localhost")
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
}


def restricted_pods(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Refuse pods that do not meet the restricted profile and the additional rules."""
    template = pod_template(resource)
    if template is None:
        return
    workload = resource.metadata.get("name", resource.name)
    for check in (_host_namespaces, _volumes, _sysctls, _service_links):
        yield from judge(check, template)
    yield from judge(_token, template, workload in settings["tokenWorkloads"])
    for container in template.containers():
        for container_check in (_privileges, _capabilities, _host_ports, _proc_mount):
            yield from judge(container_check, container)
        for context_check in (_seccomp, _user):
            yield from judge(context_check, container, template.security_context)
        if container.name not in settings["writableRootContainers"]:
            yield from judge(_read_only_root, container)


def _host_namespaces(template: PodTemplate) -> Iterator[str]:
    for field in HOST_NAMESPACES:
        if template.spec.get(field):
            yield f"{field} is set: the pod shares the node's namespace; remove it"


def _volumes(template: PodTemplate) -> Iterator[str]:
    for volume in template.spec.get("volumes", ()):
        for kind in set(volume) - {"name"} - VOLUME_TYPES:
            yield (
                f"volume {volume['name']} is of type {kind}; allowed:"
                f" {', '.join(sorted(VOLUME_TYPES))}"
            )


def _sysctls(template: PodTemplate) -> Iterator[str]:
    for sysctl in template.security_context.get("sysctls", ()):
        if sysctl["name"] not in SAFE_SYSCTLS:
            yield f"sysctl {sysctl['name']} is not a safe sysctl; remove it"


def _service_links(template: PodTemplate) -> Iterator[str]:
    if template.spec.get("enableServiceLinks", True):
        yield (
            "enableServiceLinks is not false: every Service of the namespace becomes environment"
            " variables, which programs can mistake for their settings; set it to false"
        )


def _token(template: PodTemplate, uses_token: bool) -> Iterator[str]:
    if not uses_token and template.spec.get("automountServiceAccountToken", True):
        yield (
            "a service account token is mounted; set automountServiceAccountToken to false, or name"
            " the workload in this policy's tokenWorkloads if it calls the Kubernetes API"
        )


def _privileges(container: Container) -> Iterator[str]:
    context = container.security_context
    if context.get("privileged"):
        yield f"{container.title} is privileged; remove privileged"
    if context.get("allowPrivilegeEscalation", True):
        yield f"{container.title} may gain privileges; set allowPrivilegeEscalation to false"


def _capabilities(container: Container) -> Iterator[str]:
    capabilities: Properties = container.security_context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield f"{container.title} keeps capabilities; set capabilities.drop to [ALL]"
    for added in capabilities.get("add", ()):
        if added != "NET_BIND_SERVICE":
            yield f"{container.title} adds the capability {added}; remove it"


def _host_ports(container: Container) -> Iterator[str]:
    for port in container.spec.get("ports", ()):
        if port.get("hostPort"):
            yield f"{container.title} uses hostPort {port['hostPort']}; use a Service"


def _proc_mount(container: Container) -> Iterator[str]:
    if container.security_context.get("procMount", "Default") != "Default":
        yield f"{container.title} unmasks /proc; remove procMount"


def _seccomp(container: Container, of_pod: Properties) -> Iterator[str]:
    profile = container.security_context.get("seccompProfile", of_pod.get("seccompProfile", {}))
    if profile.get("type", "none") not in SECCOMP_TYPES:
        yield f"{container.title} has no seccomp profile; set seccompProfile.type: RuntimeDefault"


def _user(container: Container, of_pod: Properties) -> Iterator[str]:
    context = {**of_pod, **container.security_context}
    if not context.get("runAsNonRoot", False):
        yield f"{container.title} may run as root; set runAsNonRoot to true"
    if context.get("runAsUser", 1) == 0:
        yield f"{container.title} runs as uid 0; set runAsUser above 0"


def _read_only_root(container: Container) -> Iterator[str]:
    if not container.security_context.get("readOnlyRootFilesystem", False):
        yield (
            f"{container.title} can write to its root file system; set readOnlyRootFilesystem to"
            " true and mount an emptyDir where it writes"
        )
