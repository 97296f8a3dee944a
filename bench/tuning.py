"""Compares connector settings on the deployed pipeline.

`python -m bench.tuning --stack sandbox` warms the JVMs up and runs the same short load with the
connectors as they are, with one change after the other, and as they are again. It prints a line for
each. What counts is the CPU time per row: on a machine whose cores are all busy it decides the
rate, and other load on the machine affects it least. At the end the connectors have their own
configuration again.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.table import Table

from bench.costs import by_kind
from bench.result import Result
from bench.run import Bench, RunSettings
from bench.sample_schema import sample_schemas
from bench.schedule import Schedule
from bench.warm_up import warm_jvms
from clients.cluster import Cluster
from clients.connect import connectors, connectors_path, with_task_configs
from clients.console import console
from clients.stack import StackError, StackOutputs, read_managed
from polling import NotReadyError, poll_until
from workload.option_numbers import not_negative, positive
from workload.progress import Progress
from workload.timeouts import Timeouts

# Properties of a connector, as Connect spells them; None removes one.
Properties = Mapping[str, str | None]

RUNNING_SECONDS = 90
POLL_SECONDS = 2


@dataclass(frozen=True)
class Trial:
    """A change to try."""

    name: str
    source: Properties
    sink: Properties


KAFKAS_JSON = "org.apache.kafka.connect.json.JsonConverter"
SOURCES_JSON: Properties = {"key.converter": KAFKAS_JSON, "value.converter": KAFKAS_JSON}
A_TRANSFORM_EACH: Properties = {
    "transforms": "nullableColumns,rowOfTruncate,unwrap,limitRowSize,countEvents",
    "transforms.nullableColumns.type": "datapipe.connect.NullableColumns",
    "transforms.rowOfTruncate.type": "datapipe.connect.RowOfTruncate",
    "transforms.flattenChanges.type": None,
    "transforms.flattenChanges.add.fields": None,
}
AS_IT_IS = Trial("unchanged", {}, {})
# The settings that docs/TUNING.md compares; each undoes or changes one decision.
TRIALS = (
    Trial(
        "transaction at each poll",
        {"transaction.boundary": "poll", "transaction.boundary.interval.ms": None},
        {},
    ),
    Trial("transaction of 2.5 s, linger 250 ms",
          {"transaction.boundary.interval.ms": "2500", "producer.override.linger.ms": "250"}, {}),
    Trial("transaction of 5 s, linger 500 ms",
          {"transaction.boundary.interval.ms": "5000", "producer.override.linger.ms": "500",
           "producer.override.transaction.timeout.ms": "20000"}, {}),
    Trial("linger 10 ms", {"producer.override.linger.ms": "10"}, {}),
    Trial("batches of 32 KiB", {"producer.override.batch.size": "32768"}, {}),
    Trial("Debezium's batch 8192, queue 32768",
          {"max.batch.size": "8192", "max.queue.size": "32768"}, {}),
    Trial("keys read as JSON", {}, {
        "key.converter": KAFKAS_JSON, "key.converter.schemas.enable": "true"}),
    Trial("Kafka's JSON converter, as before", SOURCES_JSON, {"value.converter": KAFKAS_JSON}),
    Trial("a transform for each step, as before", A_TRANSFORM_EACH, {}),
    Trial("both of them, as before",
          {**SOURCES_JSON, **A_TRANSFORM_EACH}, {"value.converter": KAFKAS_JSON}),
    Trial("max.poll.records 1000", {}, {"consumer.override.max.poll.records": "1000"}),
    Trial("max.poll.records 5000", {}, {"consumer.override.max.poll.records": "5000"}),
    Trial("fetch.max.wait.ms 200", {}, {"consumer.override.fetch.max.wait.ms": "200"}),
    Trial("fetch.max.wait.ms 500", {}, {"consumer.override.fetch.max.wait.ms": "500"}),
    Trial("commits of four tables at the same time", {}, {"iceberg.control.commit.threads": "4"}),
    Trial("one sink task", {}, {"tasks.max": "1"}),
    Trial("four sink tasks", {}, {"tasks.max": "4"}),
    Trial("no transaction metadata", {"provide.transaction.metadata": "false"}, {}),
)  # fmt: skip


@contextmanager
def changed(cluster: Cluster, outputs: StackOutputs, trial: Trial) -> Iterator[None]:
    """Set a trial's properties for the block, and the connectors' own at its end."""
    present = connectors(cluster, outputs.connect)
    kinds = {each.name: trial.source if each.kind == "source" else trial.sink for each in present}
    paths = {
        name: f"{connectors_path(cluster, outputs.connect, name)}/config"
        for name in kinds
        if kinds[name]
    }
    before = {name: cluster.get(path) for name, path in paths.items()}
    try:
        for name, configuration in before.items():
            wanted = {**configuration, **kinds[name]}
            cluster.put(
                paths[name], {key: value for key, value in wanted.items() if value is not None}
            )
        _await_running(cluster, outputs)
        yield
    finally:
        for name, configuration in before.items():
            cluster.put(paths[name], configuration)
        _await_running(cluster, outputs)


def _await_running(cluster: Cluster, outputs: StackOutputs) -> None:
    """Refuse a connector that does not run with these settings. Raises StackError."""

    def all_run() -> bool:
        present = connectors(cluster, outputs.connect)
        if stopped := [each.name for each in present if not each.runs]:
            raise NotReadyError(f"{', '.join(stopped)} not RUNNING")
        checked = [with_task_configs(cluster, outputs.connect, each) for each in present]
        if behind := [each.name for each in checked if each.earlier]:
            raise NotReadyError(f"the tasks of {', '.join(behind)} do not have these settings")
        return True

    time.sleep(POLL_SECONDS)  # at first Connect answers with the old tasks' state
    poll_until(
        all_run,
        timeout=RUNNING_SECONDS,
        interval=POLL_SECONDS,
        description="the connectors to run with these settings",
        error=StackError,
    )


def row(name: str, result: Result) -> tuple[str, ...]:
    """Return a line of the table."""
    cpu = by_kind({each.label: each.cpu_per_row for each in result.containers})
    held = max(each.peak_held / each.memory_limit for each in result.containers)
    latency = result.summary.latency
    return (
        name,
        f"{cpu.connect:.0f}",
        f"{cpu.broker:.0f}",
        f"{cpu.database:.0f}",
        f"{result.summary.steady_rate:,.0f}",
        f"{latency.p50:.1f} / {latency.p99:.1f}",
        f"{held:.0%}",
        str(result.summary.missing + result.summary.duplicated + result.summary.altered),
    )


COLUMNS = ("setting", "Connect µs/row", "brokers µs/row", "PostgreSQL µs/row", "rows/s",
           "latency p50 / p99 s", "fullest", "wrong rows")  # fmt: skip


def main() -> int:
    """Return 0 if every trial could be run."""
    arguments = _arguments()
    screen = console()
    table = Table(*COLUMNS, box=None)
    try:
        outputs = read_managed(arguments.stack)
        bench = Bench(outputs, Progress("tuning").log)
        schemas = sample_schemas(outputs.tables)
        warm_jvms(bench, schemas)
        settings = RunSettings(
            schedule=Schedule(
                seconds=arguments.seconds,
                rate=arguments.rate,
                schemas=schemas,
            ),
            width=120,
            warm_up=arguments.warm_up,
            references=0,
            timeouts=Timeouts(arrival=240, settle=5, poll=2),
        )
        for trial in (AS_IT_IS, *_chosen(arguments.only), AS_IT_IS):
            with changed(bench.cluster, outputs, trial):
                line = row(trial.name, bench.run(settings))
            screen.print(" | ".join(line), soft_wrap=True)
            table.add_row(*line)
    except StackError as error:
        print(f"tuning: {error}", file=sys.stderr)
        return 1
    screen.print(table)
    return 0


def _chosen(only: str | None) -> tuple[Trial, ...]:
    return tuple(trial for trial in TRIALS if only is None or only in trial.name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.tuning")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--rate", type=positive, default=4000)
    parser.add_argument(
        "--seconds", type=positive, default=60, help="duration of each measured load"
    )
    parser.add_argument("--warm-up", type=not_negative, default=20)
    parser.add_argument("--only", help="run the trials whose name contains this")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
