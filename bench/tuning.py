"""Before and after of a connector's settings, on the deployed pipeline.

`python -m bench.tuning --stack sandbox` runs the same short load with the connectors as they are,
with one change after the other, and as they are again, and prints a line for each, once the JVMs
are warm. What counts is the CPU that a row costs: on a machine whose cores are all busy it decides
the rate, and it suffers least from what else runs. The connectors have their own configuration back
at the end.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.table import Table

from bench.jvms import warm_jvms
from bench.plan import Schedule
from bench.result import Result
from bench.run import Bench, Plan
from bench.shops import sample_schemas
from bench.verification import Patience
from clients.cluster import Cluster
from clients.connect import connectors
from clients.console import console
from clients.stack import StackError, StackOutputs, read_outputs

Properties = Mapping[str, str | None]
"""Of a connector, as Connect spells them; None takes one away."""

RUNNING_SECONDS = 90


@dataclass(frozen=True)
class Trial:
    """A change to try."""

    name: str
    source: Properties
    sink: Properties


AS_IT_IS = Trial("as it is", {}, {})
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
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "key.converter.schemas.enable": "true"}),
    Trial("max.poll.records 5000", {}, {"consumer.override.max.poll.records": "5000"}),
    Trial("fetch.max.wait.ms 500", {}, {"consumer.override.fetch.max.wait.ms": "500"}),
    Trial("one sink task", {}, {"tasks.max": "1"}),
    Trial("four sink tasks", {}, {"tasks.max": "4"}),
    Trial("no transaction metadata", {"provide.transaction.metadata": "false"}, {}),
)  # fmt: skip
"""What docs/TUNING.md tells of; each undoes or changes one decision."""


@contextmanager
def changed(cluster: Cluster, outputs: StackOutputs, trial: Trial) -> Iterator[None]:
    """The connectors with a trial's properties, and as they were when the block ends."""
    service = f"/api/v1/namespaces/{cluster.namespace}/services"
    root = f"{service}/{outputs.connect.service}:{outputs.connect.port}/proxy/connectors"
    present = connectors(cluster, outputs.connect)
    kinds = {each.name: trial.source if each.kind == "source" else trial.sink for each in present}
    before = {name: cluster.get(f"{root}/{name}/config") for name in kinds if kinds[name]}
    try:
        for name, configuration in before.items():
            wanted = {**configuration, **kinds[name]}
            cluster.put(
                f"{root}/{name}/config",
                {key: value for key, value in wanted.items() if value is not None},
            )
        _await_running(cluster, outputs)
        yield
    finally:
        for name, configuration in before.items():
            cluster.put(f"{root}/{name}/config", configuration)
        _await_running(cluster, outputs)


def _await_running(cluster: Cluster, outputs: StackOutputs) -> None:
    """Raises StackError where a connector does not run."""
    deadline = time.monotonic() + RUNNING_SECONDS
    waiting = ["every connector"]
    while waiting:
        if time.monotonic() > deadline:
            raise StackError(f"{waiting[0]} does not run with these settings; see make status")
        time.sleep(2)  # at first Connect answers with the old tasks' state
        found = connectors(cluster, outputs.connect)
        waiting = [each.name for each in found if not each.runs]


def row(name: str, result: Result) -> tuple[str, ...]:
    """A line of the table."""
    cpu = {each.label: each.cpu_per_row for each in result.containers}
    brokers = sum(cost for label, cost in cpu.items() if label.removeprefix("kafka-").isdigit())
    held = max(each.peak_held / each.memory_limit for each in result.containers)
    latency = result.summary.latency
    return (
        name,
        f"{cpu['kafka-connect']:.0f}",
        f"{brokers:.0f}",
        f"{cpu['postgresql-0']:.0f}",
        f"{result.summary.steady_rate:,.0f}",
        f"{latency.p50:.1f} / {latency.p99:.1f}",
        f"{held:.0%}",
        str(result.summary.missing + result.summary.duplicated + result.summary.altered),
    )


COLUMNS = ("setting", "Connect µs/row", "brokers µs/row", "PostgreSQL µs/row", "rows/s",
           "latency p50 / p99 s", "fullest", "wrong rows")  # fmt: skip


def main() -> int:
    """0 where every trial could be run."""
    arguments = _arguments()
    screen = console()
    table = Table(*COLUMNS, box=None)
    try:
        outputs = read_outputs(arguments.stack)
        bench = Bench(outputs, lambda text: None)
        schemas = sample_schemas(outputs.tables)
        warm_jvms(bench, schemas)
        plan = Plan(
            schedule=Schedule(
                seconds=arguments.seconds,
                rate=arguments.rate,
                schemas=schemas,
            ),
            width=120,
            warm_up=arguments.warm_up,
            references=0,
            patience=Patience(240, settle=5),
        )
        for trial in (AS_IT_IS, *_chosen(arguments.only), AS_IT_IS):
            with changed(bench.cluster, outputs, trial):
                line = row(trial.name, bench.run(plan))
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
    parser.add_argument("--rate", type=float, default=4000)
    parser.add_argument("--seconds", type=float, default=60, help="of each measured load")
    parser.add_argument("--warm-up", type=float, default=20)
    parser.add_argument("--only", help="trials whose name holds this")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
