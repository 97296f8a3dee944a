"""The status as tables for a person."""

from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clients.bucket import Objects
from clients.cluster import ALLOWED, MEBIBYTE, Pod, Resources, total
from clients.connect import RUNNING, Connector
from clients.stack import ArchiveOutput
from clients.status.collect import Status, Unknown
from clients.status.health import problems
from clients.topics import Topic

BAR = 20
"""Characters of a bar."""
TRACE_LINES = 12
"""Of a failed task; the worker's log has the rest."""


def print_status(console: Console, archive: ArchiveOutput, status: Status) -> None:
    """What is wrong, then each part that answered, then the budget."""
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
    if not isinstance(status.topics, Unknown):
        console.print(topics_table(status.topics))
    if not isinstance(status.dead_letters, Unknown):
        console.print(dead_letters_line(status.dead_letters))
    if not isinstance(status.objects, Unknown):
        console.print(objects_line(archive, status.objects), soft_wrap=True)
    if not isinstance(status.pods, Unknown):
        print_budget(console, status.pods)


def pods_table(pods: list[Pod]) -> Table:
    """Memory used against the limit, and what the kernel or the kubelet did to each pod."""
    table = _table("pods", "", "pod", "state", "memory", ">MiB", ">limit", ">restarts", ">OOM")
    for pod in pods:
        used, limit = pod.used.memory, pod.limits.memory
        table.add_row(
            _mark(pod.ready),
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
    """A line for each connector and its tasks."""
    table = _table("connectors", "", "connector", "kind", "state", "tasks")
    for connector in connectors:
        tasks = ", ".join(f"{task.number} {task.state}" for task in connector.tasks)
        table.add_row(
            _mark(connector.runs), connector.name, connector.kind, connector.state, tasks or "none"
        )
    return table


def print_traces(console: Console, connectors: list[Connector]) -> None:
    """The beginning of the trace of everything that failed."""
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


def topics_table(topics: list[Topic]) -> Table:
    """What the sink has still to read of each captured table."""
    table = _table("topics", "topic", ">partitions", ">lag of the sink")
    for topic in topics:
        table.add_row(topic.name, str(topic.partitions), str(topic.lag))
    return table


def dead_letters_line(topics: list[Topic]) -> Text:
    """How many records lie in each dead letter topic."""
    counts = ", ".join(f"{topic.name} {topic.retained}" for topic in topics) or "no such topic"
    style = "bold red" if any(topic.retained for topic in topics) else ""
    return Text(f"\ndead letters: {counts}", style=style)


def objects_line(archive: ArchiveOutput, objects: Objects) -> str:
    """What lies in the bucket."""
    newest = ""
    if objects.newest:
        age = (datetime.now(UTC) - objects.newest).total_seconds()
        newest = f", the newest {age:.0f} s old"
    return (
        f"s3://{archive.bucket}/{archive.prefix}: {objects.count} objects,"
        f" {objects.size / MEBIBYTE:.1f} MiB{newest}"
    )


def print_budget(console: Console, pods: list[Pod]) -> None:
    """Used, limited and allowed, for memory and CPU."""
    used, limited = total(pod.used for pod in pods), total(pod.limits for pod in pods)
    console.print(budget_table(used, limited))


def budget_table(used: Resources, limited: Resources) -> Table:
    """The bar is of what is allowed: full blocks are used, light ones are limited."""
    table = _table("budget", "", "", "", ">used", ">limited", ">allowed")
    memory = [each.memory // MEBIBYTE for each in (used, limited, ALLOWED)]
    cpu = [each.cpu for each in (used, limited, ALLOWED)]
    table.add_row(
        _mark(limited.memory <= ALLOWED.memory),
        "memory",
        bar(used.memory, ALLOWED.memory, limited.memory),
        *(f"{each} MiB" for each in memory),
    )
    table.add_row(
        _mark(limited.cpu <= ALLOWED.cpu),
        "CPU",
        bar(used.cpu, ALLOWED.cpu, limited.cpu),
        *(f"{each:.2f}" for each in cpu),
    )
    return table


def bar(used: int | Decimal, whole: int | Decimal, reserved: int | Decimal = 0) -> str:
    """A bar of BAR characters; █ what is used of the whole, ▒ what is reserved beyond it."""
    if not whole:
        return "no limit"
    full = min(BAR, round(BAR * used / whole))
    light = max(0, min(BAR, round(BAR * reserved / whole)) - full)
    return "█" * full + "▒" * light + "░" * (BAR - full - light)


def _mark(good: bool) -> Text:
    return Text("✓", style="green") if good else Text("✗", style="bold red")


def _table(title: str, *columns: str) -> Table:
    """A table; columns whose name begins with > are aligned to the right."""
    table = Table(
        title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for column in columns:
        right = column.startswith(">")
        table.add_column(
            column.removeprefix(">"), justify="right" if right else "left", no_wrap=True
        )
    return table
