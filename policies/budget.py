"""The memory and CPU budgets: the limits of all pods of the stack that can run at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from policies.budget_report import Budget, Row, report
from policies.finding import Finding, NotJudged, Violation
from policies.pod_counts import PodCount, UnboundedCountError, pod_count
from policies.pod_resources import PARSERS, UnboundedError, effective
from policies.pods import TEMPLATE_PATHS, pod_template
from policies.quantities import format_mebibytes, format_millicores
from policies.resource import NotKnownYetError, Resource
from policies.settings import Schemas, Settings
from policies.stack_file import stack_value

NODES = {
    "type": "integer",
    "minimum": 1,
    "default": 2,
    "description": "number of nodes in the cluster; each runs one pod of a DaemonSet",
}
MEMORY_SETTINGS: Schemas = {
    "limit": {
        "type": "string",
        "default": stack_value("budget", "memory", "4096Mi"),
        "description": "the most memory that all pods together may use, as a Kubernetes quantity",
    },
    "nodes": NODES,
}
CPU_SETTINGS: Schemas = {
    "limit": {
        "type": "string",
        "default": stack_value("budget", "cpu", "4"),
        "description": "the most CPU that all pods together may use, as a Kubernetes quantity",
    },
    "nodes": NODES,
}


@dataclass(frozen=True)
class Dimension:
    """A resource that has a budget."""

    resource: str
    """Its name in Kubernetes."""
    step: int
    """The unit in which a limit is lowered: 1 MiB in bytes, 1 millicore."""
    format: Callable[[int], str]


MEMORY = Dimension("memory", 1024 * 1024, format_mebibytes)
CPU = Dimension("cpu", 1, format_millicores)


def memory_budget(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """Refuse memory limits of all pods that add up to more than the budget."""
    return _within_budget(resources, settings, MEMORY)


def cpu_budget(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """Refuse CPU limits of all pods that add up to more than the budget."""
    return _within_budget(resources, settings, CPU)


def compute_budget(
    resources: Sequence[Resource], settings: Settings, dimension: Dimension
) -> tuple[Budget, list[Finding]]:
    """Return the budget with its use, and a finding for each workload that can't be counted."""
    autoscalers = [r for r in resources if r.is_kind("HorizontalPodAutoscaler")]
    rows: list[Row] = []
    uncounted: list[Finding] = []
    for workload in resources:
        if workload.excepted or not workload.is_kind(*TEMPLATE_PATHS):
            continue
        try:
            rows.append(_row(workload, autoscalers, int(settings["nodes"]), dimension))
        except NotKnownYetError as unknown:
            uncounted.append(NotJudged(str(unknown)))
        except UnboundedError as unbounded:
            message = f"{workload.title}: {unbounded} has no {dimension.resource} limit; set"
            message += f" resources.limits.{dimension.resource}"
            uncounted.append(Violation(message, workload.urn))
        except (UnboundedCountError, ValueError) as wrong:
            uncounted.append(Violation(f"{workload.title}: {wrong}", workload.urn))
    allowed = PARSERS[dimension.resource](settings["limit"])
    budget = Budget(dimension.resource, allowed, dimension.step, dimension.format, rows)
    return budget, uncounted


def _within_budget(
    resources: Sequence[Resource], settings: Settings, dimension: Dimension
) -> Iterator[Finding]:
    budget, uncounted = compute_budget(resources, settings, dimension)
    yield from uncounted
    if budget.excess > 0:
        excepted = [r.title for r in resources if r.excepted and r.is_kind(*TEMPLATE_PATHS)]
        yield Violation(report(budget, excepted))


def _row(
    workload: Resource, autoscalers: Sequence[Resource], nodes: int, dimension: Dimension
) -> Row:
    template = pod_template(workload)
    if template is None:
        raise ValueError(f"{workload.kind} creates no pods")
    count: PodCount = pod_count(workload, autoscalers, nodes)
    return Row(
        workload.title,
        count,
        request=effective(template, "requests", dimension.resource),
        limit=effective(template, "limits", dimension.resource),
    )
