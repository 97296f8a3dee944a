"""RBAC: permissions are listed one by one, and none of them gives access to all others."""

from __future__ import annotations

from collections.abc import Iterator

from policies.finding import Finding, judge
from policies.resource import Properties, Resource, entries
from policies.settings import Settings

ROLE_KINDS = ("Role", "ClusterRole")
BINDING_KINDS = ("RoleBinding", "ClusterRoleBinding")

# Kubernetes' own roles that may read every Secret or run any pod in a namespace.
POWERFUL_ROLES = ("cluster-admin", "admin", "edit")
ESCALATING_VERBS = ("bind", "escalate", "impersonate")
READING_VERBS = ("get", "list", "watch")
EVERYONE = (
    "system:authenticated",
    "system:unauthenticated",
    "system:anonymous",
    "system:serviceaccounts",
)


def narrow_rights(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    """Refuse wildcards, reading all Secrets, escalation, powerful roles and group subjects."""
    if resource.is_kind(*ROLE_KINDS):
        for where, rule in entries(resource.properties, "rules"):
            for check in (_no_wildcards, _no_secret_listing, _no_escalation):
                yield from judge(check, where, rule)
    elif resource.is_kind(*BINDING_KINDS):
        yield from judge(_no_powerful_role, resource.properties)
        yield from judge(_no_subject_is_everyone, resource.properties)


def _no_wildcards(where: str, rule: Properties) -> Iterator[str]:
    for field in ("apiGroups", "resources", "verbs", "nonResourceURLs"):
        if any("*" in name for name in rule.get(field, ())):
            yield f"{where}.{field} has a wildcard; list each one that is needed"


def _no_secret_listing(where: str, rule: Properties) -> Iterator[str]:
    reads = any(verb in READING_VERBS for verb in rule.get("verbs", ()))
    if reads and "secrets" in rule.get("resources", ()) and not rule.get("resourceNames"):
        yield f"{where} allows reading every Secret of the namespace; list some in resourceNames"


def _no_escalation(where: str, rule: Properties) -> Iterator[str]:
    for verb in rule.get("verbs", ()):
        if verb in ESCALATING_VERBS:
            yield f"{where} grants the verb {verb}, which can gain any other permission; remove it"
    if "serviceaccounts/token" in rule.get("resources", ()):
        yield f"{where} grants tokens of other service accounts; remove serviceaccounts/token"


def _no_powerful_role(binding: Properties) -> Iterator[str]:
    role = binding.get("roleRef", {}).get("name")
    if role in POWERFUL_ROLES:
        yield f"the binding grants {role}; write a Role with the permissions that are needed"


def _no_subject_is_everyone(binding: Properties) -> Iterator[str]:
    for where, subject in entries(binding, "subjects"):
        name = subject["name"]
        if name in EVERYONE or name.startswith("system:serviceaccounts:"):
            yield f"{where} is {name}, which is not a single account; name the account"
