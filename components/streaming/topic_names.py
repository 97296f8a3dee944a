"""The names of the pipeline's topics (design: "Topic Configuration")."""

from dataclasses import dataclass

# The dead letter queue of sink connectors without their own.
CONNECT_DEAD_LETTERS = "connect-dlq"


@dataclass(frozen=True)
class TopicNames:
    """The topics of a source, which all begin or end with its prefix (Debezium's topic.prefix)."""

    prefix: str

    def of(self, table: str) -> str:
        """Return the topic of a captured table, given as schema.table."""
        return f"{self.prefix}.{table}"

    @property
    def tables(self) -> str:
        """What the captured tables' topics begin with."""
        return f"{self.prefix}."

    @property
    def heartbeat(self) -> str:
        """The topic of Debezium's heartbeats."""
        return f"__debezium-heartbeat.{self.prefix}"

    @property
    def transactions(self) -> str:
        """Begin and end of PostgreSQL's transactions (provide.transaction.metadata)."""
        return f"{self.prefix}.transaction"

    @property
    def schema_changes(self) -> str:
        """Part of the design; PostgreSQL's connector keeps no schema history and writes nothing."""
        return f"schema-changes.{self.prefix}"
