"""Renders the status as tables."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clients.bucket import Objects
from clients.cluster import MEBIBYTE, Pod, Resources, total
from clients.connect import RUNNING, Connector
from clients.metrics import Metrics, Sample
from clients.stack import ArchiveOutput
from clients.status.archive import archived_table
from clients.status.collect import Status
from clients.status.health import problems
from clients.status.sources import SourceState, sources_table
from clients.status.tables import NOTHING, mark, new_table
from clients.status.unknown import Unknown
from clients.topics import Topic
from kafka_connect.status import OUTDATED

# Characters of a bar.
BAR = 20
# Lines shown of a failed task's trace; the worker's log has the rest.
TRACE_LINES = 12


def print_status(console: Console, archive: ArchiveOutput, status: Status) -> None:
    """Print what is wrong, then each part that answered, then the budget."""
    wrong = problems(status)
    for problem in wrong:
        console.print(Text(f"✗ {problem}", style="bold red"))
    if not wrong:
        console.print(Text("✓ healthy", style="bold green"))
    if not isinstance(status.pods, Unknown):
        console.print(pods_table(status.pods))
    if not isinstance(status.connectors, Unknown):
        console.print(connectors_table(status.connectors))
        print_traces(console, status.connectors)
    console.print(sources_table(status.sources))
    if not isinstance(status.metrics, Unknown) and status.metrics.names:
        console.print(jvms_table(status.metrics))
    if not isinstance(status.topics, Unknown):
        console.print(topics_table(status.topics, status.metrics, status.sources))
    if not isinstance(status.dead_letters, Unknown):
        console.print(dead_letters_line(status.dead_letters))
    if not isinstance(status.archived, Unknown) and status.archived:
        console.print(archived_table(status.archived, status.objects))
    if not isinstance(status.objects, Unknown):
        console.print(objects_line(archive, status.objects), soft_wrap=True)
    if not isinstance(status.pods, Unknown):
        print_budget(console, status.pods, status.budget)


def pods_table(pods: list[Pod]) -> Table:
    """Return each pod's memory next to its limit, its restarts and its OOM kills."""
    table = new_table("pods", "", "pod", "state", "memory", ">MiB", ">limit", ">restarts", ">OOM")
    for pod in pods:
        used, limit = pod.used.memory, pod.limits.memory
        table.add_row(
            mark(pod.ready),
            pod.name,
            "ready" if pod.ready else "not ready",
            bar(used, limit),
            str(used // MEBIBYTE),
            str(limit // MEBIBYTE),
            str(pod.restarts),
            str(pod.out_of_memory_kills),
        )
    return table


def connectors_table(connectors: list[Connector]) -> Table:
    """Return a row for each connector with its tasks."""
    table = new_table("connectors", "", "connector", "kind", "state", "tasks")
    for connector in connectors:
        table.add_row(
            mark(connector.runs and not connector.earlier),
            connector.name,
            connector.kind,
            OUTDATED if connector.earlier else connector.state,
            _tasks(connector),
        )
    return table


def _tasks(connector: Connector) -> str:
    """Return how many tasks run, and the numbers of those in each other state."""
    numbers: defaultdict[str, list[str]] = defaultdict(list)
    for task in connector.tasks:
        numbers[task.state].append(str(task.number))
    running = len(numbers.pop(RUNNING, ()))
    parts = [f"{running} of {len(connector.tasks)} {RUNNING}"] if connector.tasks else ["none"]
    parts += [f"{state}: {', '.join(which)}" for state, which in sorted(numbers.items())]
    return "; ".join(parts)


def print_traces(console: Console, connectors: list[Connector]) -> None:
    """Print the beginning of the trace of each failed connector and task."""
    for connector in connectors:
        parts = [(connector.name, connector.state, connector.trace)]
        parts += [
            (f"{connector.name} task {task.number}", task.state, task.trace)
            for task in connector.tasks
        ]
        for name, state, trace in parts:
            if state != RUNNING and trace:
                shown = "\n".join(trace.splitlines()[:TRACE_LINES])
                console.print(Text(f"{name} {state}:\n{shown}", style="red"))


def topics_table(
    topics: list[Topic], metrics: Metrics | Unknown, sources: Sequence[SourceState]
) -> Table:
    """Return each table's rate of changes, and what the sink has yet to commit and to read."""
    known = Metrics([]) if isinstance(metrics, Unknown) else metrics
    rates, quality = "cdc_events_per_second", "data_quality_score"
    table = new_table(
        "topics",
        *("topic", ">partitions", ">lag of the sink", ">not read"),
        *(">events/s", ">c", ">u", ">d", ">quality"),
    )
    labels = {source.topic_prefix: source.label for source in sources}
    for topic in topics:
        prefix, _, captured = topic.name.partition(".")
        own = known.of_source(labels.get(prefix))
        operations = own.totals(rates, "operation", table=captured)
        table.add_row(
            topic.name,
            str(topic.partitions),
            str(topic.lag),
            _number(known.samples("kafka_consumer_lag", topic=topic.name)),
            f"{sum(operations.values()):.1f}" if operations else NOTHING,
            *(f"{operations.get(each, 0):.1f}" if operations else NOTHING for each in "cud"),
            _share(own.least(quality, table=captured)),
        )
    return table


def _number(samples: list[Sample]) -> str:
    return f"{sum(sample.value for sample in samples):.0f}" if samples else NOTHING


def _share(part: float | None) -> str:
    return NOTHING if part is None else f"{part:.1%}"


def dead_letters_line(topics: list[Topic]) -> Text:
    """Return how many records each dead letter topic has, how many are pending and new."""
    counts = ", ".join(
        f"{topic.name} {topic.lag} of {topic.retained} pending, {topic.recent} of the last hour"
        for topic in topics
    )
    style = "bold red" if any(topic.lag for topic in topics) else ""
    return Text(f"\ndead letters: {counts or 'no such topic'}", style=style)


def jvms_table(metrics: Metrics) -> Table:
    """Return heap and garbage collection of each JVM since it started."""
    table = new_table(
        "JVMs", "pod", "heap", ">MiB", ">max", ">collections", ">mean pause", ">CPU s"
    )
    for pod in sorted(metrics.totals("jvm_heap_bytes", "pod", kind="used")):
        used, most = (metrics.total("jvm_heap_bytes", pod=pod, kind=k) for k in ("used", "max"))
        count = metrics.total("jvm_gc_collection_seconds_count", pod=pod)
        seconds = metrics.total("jvm_gc_collection_seconds_sum", pod=pod)
        table.add_row(
            pod,
            bar(int(used), int(most)),
            f"{used / MEBIBYTE:.0f}",
            f"{most / MEBIBYTE:.0f}",
            f"{count:.0f}",
            f"{1000 * seconds / count:.1f} ms" if count else NOTHING,
            f"{metrics.total('process_cpu_seconds_total', pod=pod):.0f}",
        )
    return table


def objects_line(archive: ArchiveOutput, objects: Objects) -> str:
    """Return what is in the archive's part of the bucket."""
    newest = ""
    if objects.newest:
        age = (datetime.now(UTC) - objects.newest).total_seconds()
        newest = f", the newest {age:.0f} s old"
    least = "" if objects.complete else "at least "
    return (
        f"s3://{archive.bucket}/{archive.prefix}: {least}{objects.count} objects,"
        f" {objects.size / MEBIBYTE:.1f} MiB{newest}"
    )


def print_budget(console: Console, pods: list[Pod], budget: Resources) -> None:
    """Print what the pods use and may use, next to the stack's budget."""
    used, limited = total(pod.used for pod in pods), total(pod.limits for pod in pods)
    console.print(budget_table(used, limited, budget))


def budget_table(used: Resources, limited: Resources, budget: Resources) -> Table:
    """Return a bar of the budget: full blocks are used, light ones are within the limits."""
    table = new_table("budget", "", "", "", ">used", ">limits", ">budget")
    memory = [each.memory // MEBIBYTE for each in (used, limited, budget)]
    cpu = [each.cpu for each in (used, limited, budget)]
    table.add_row(
        mark(limited.memory <= budget.memory),
        "memory",
        bar(used.memory, budget.memory, limited.memory),
        *(f"{each} MiB" for each in memory),
    )
    table.add_row(
        mark(limited.cpu <= budget.cpu),
        "CPU",
        bar(used.cpu, budget.cpu, limited.cpu),
        *(f"{each:.2f}" for each in cpu),
    )
    return table


def bar(used: int | Decimal, whole: int | Decimal, reserved: int | Decimal = 0) -> str:
    """Return BAR characters: █ is used of the whole, ▒ is reserved in addition to it."""
    if not whole:
        return "no limit"
    full = min(BAR, round(BAR * used / whole))
    light = max(0, min(BAR, round(BAR * reserved / whole)) - full)
    return "█" * full + "▒" * light + "░" * (BAR - full - light)
