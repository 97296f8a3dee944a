"""What has changed of the captured tables in the database, as the source connectors see it, too."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from clients import database
from clients.cluster import Cluster
from clients.metrics import Metrics
from clients.stack import StackOutputs

# The worker's ConfigMap, in which each database has the query by which its connectors watch their
# tables.
CONFIG_MAP, QUERY = "kafka-connect", "captured-tables"
# 1 while a table is what is captured, 0 otherwise, and NaN while the database was not asked.
METRIC = "cdc_table_captured"
REPAIR = "make recover repairs it and reads the table again"


@dataclass(frozen=True)
class Finding:
    """A captured table that is not, or no longer, what the stack captures."""

    # refused: only the user can repair it; missed: the archive lacks something; changed: not yet.
    kind: Literal["refused", "missed", "changed"]
    # schema.table; None for what concerns no single table.
    table: str | None
    reason: str

    def renamed(self, name: Callable[[str], str]) -> "Finding":
        """Return the finding with another name of its table."""
        return self if self.table is None else replace(self, table=name(self.table))

    def __str__(self) -> str:
        sentence = f"{self.table}: {self.reason}" if self.table else self.reason
        return sentence if self.kind == "refused" else f"{sentence}; {REPAIR}"


def findings(outputs: StackOutputs, cluster: Cluster) -> list[Finding]:
    """Ask the database. Raises StackError if it is not reachable from outside the cluster."""
    path = f"/api/v1/namespaces/{cluster.namespace}/configmaps/{CONFIG_MAP}"
    name = QUERY if outputs.label is None else f"{QUERY}-{outputs.label}"
    query = cluster.get(path)["data"].get(f"{name}.sql")
    if query is None:  # a version that did not watch the tables deployed the stack
        return []
    with database.connect(outputs) as connection:
        connection.execute("SET lock_timeout = '5s'")  # of a table that is being altered
        rows = connection.execute(query).fetchall()
    return [Finding(row["kind"], row["name"], row["reason"]) for row in rows]


def findings_of_metrics(metrics: Metrics) -> list[Finding]:
    """Return what the worker's metrics show, where the database can't be asked."""
    reason = "it is not the table that is captured; the worker's log says why"
    return [
        Finding("missed", sample.labels["table"], reason)
        for sample in metrics.samples(METRIC)
        if sample.value == 0
    ]


def listed(found: Iterable[Finding]) -> str:
    """Return the findings, a line each."""
    return "\n".join(f"  {finding}" for finding in found)
