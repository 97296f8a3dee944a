"""The names of the pipeline's topics (design: "Topic Configuration")."""

TOPIC_PREFIX = "postgres"
"""Debezium's topic.prefix: a captured table's topic is postgres.<schema>.<table>."""

CONNECT_DEAD_LETTERS = "connect-dlq"
"""of sink connectors that have no dead letter queue of their own"""
SCHEMA_CHANGES = f"schema-changes.{TOPIC_PREFIX}"
"""In the design; PostgreSQL's connector keeps no schema history and writes nothing to it."""
HEARTBEAT = f"__debezium-heartbeat.{TOPIC_PREFIX}"
TRANSACTIONS = f"{TOPIC_PREFIX}.transaction"
"""Begin and end of PostgreSQL's transactions (provide.transaction.metadata)."""


def topic_of(table: str) -> str:
    """Return the topic of a captured table, given as schema.table."""
    return f"{TOPIC_PREFIX}.{table}"
