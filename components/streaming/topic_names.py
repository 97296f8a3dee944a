"""The names of the pipeline's topics (design: "Topic Configuration")."""

# Debezium's topic.prefix: a captured table's topic is postgres.<schema>.<table>.
TOPIC_PREFIX = "postgres"

# The dead letter queue of sink connectors without their own.
CONNECT_DEAD_LETTERS = "connect-dlq"
# Part of the design; PostgreSQL's connector keeps no schema history and writes nothing to it.
SCHEMA_CHANGES = f"schema-changes.{TOPIC_PREFIX}"
HEARTBEAT = f"__debezium-heartbeat.{TOPIC_PREFIX}"
# Begin and end of PostgreSQL's transactions (provide.transaction.metadata).
TRANSACTIONS = f"{TOPIC_PREFIX}.transaction"


def topic_of(table: str) -> str:
    """Return the topic of a captured table, given as schema.table."""
    return f"{TOPIC_PREFIX}.{table}"
