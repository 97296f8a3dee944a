"""Storage: a budget for all volumes, and no reclaim policy that deletes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policies.budget_report import Budget, Row, report
from policies.finding import Finding, NotJudged, Violation
from policies.pod_counts import PodCount
from policies.quantities import MEBIBYTE, format_mebibytes, parse_bytes
from policies.resource import NotKnownYetError, Properties, Resource
from policies.settings import Schemas, Settings
from policies.stack_file import stack_value

STORAGE_SETTINGS: Schemas = {
    "limit": {
        "type": "string",
        "default": stack_value("budget", "storage", "15Gi"),
        "description": "the most storage that all claims together may request (design: 5Gi + 10Gi)",
    },
}


def storage_budget(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """Refuse volume claims that add up to more than the budget."""
    rows: list[Row] = []
    for resource in resources:
        if resource.excepted:
            continue
        try:
            rows += _rows(resource)
        except NotKnownYetError as unknown:
            yield NotJudged(str(unknown))
        except ValueError as wrong:
            yield Violation(f"{resource.title}: {wrong}", resource.urn)
    allowed = parse_bytes(settings["limit"])
    budget = Budget("storage", allowed, MEBIBYTE, format_mebibytes, rows)
    if budget.excess > 0:
        yield Violation(report(budget))


def _rows(resource: Resource) -> list[Row]:
    spec: Properties = resource.properties.get("spec", {})
    if resource.is_kind("PersistentVolumeClaim"):
        size = _claimed(spec)
        return [Row(resource.title, PodCount(1), size, size)]
    if resource.is_kind("StatefulSet"):
        count = PodCount(int(spec.get("replicas", 1)))
        return [
            Row(f"{resource.title}, {claim['metadata']['name']}", count, size, size)
            for claim in spec.get("volumeClaimTemplates", ())
            for size in [_claimed(claim["spec"])]
        ]
    return []


def _claimed(claim: Properties) -> int:
    return parse_bytes(claim.get("resources", {}).get("requests", {}).get("storage", "0"))


def data_retained(resource: Resource, _settings: Settings) -> Iterator[str]:
    """Refuse settings by which a volume is deleted together with its claim."""
    spec: Properties = resource.properties.get("spec", {})
    if resource.is_kind("PersistentVolume"):
        # Kubernetes' default for a volume that is created manually
        yield from _retain(spec.get("persistentVolumeReclaimPolicy", "Retain"), resource)
    elif resource.is_kind("StorageClass"):
        yield from _retain(resource.properties.get("reclaimPolicy", "Delete"), resource)
    elif resource.is_kind("StatefulSet"):
        retention: Properties = spec.get("persistentVolumeClaimRetentionPolicy", {})
        for event in ("whenDeleted", "whenScaled"):
            if retention.get(event, "Retain") != "Retain":
                yield (
                    f"persistentVolumeClaimRetentionPolicy.{event} is {retention[event]}, which"
                    " deletes the data with the pods; set it to Retain"
                )


def _retain(policy: str, resource: Resource) -> Iterator[str]:
    if policy != "Retain":
        yield (
            f"{resource.title} has reclaim policy {policy}: deleting the claim deletes the data;"
            " set it to Retain"
        )
