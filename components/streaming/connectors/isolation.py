"""How the captured tables are shared out among source connectors (design: "Scalability")."""

from components.config import StackConfig
from components.streaming.connectors.debezium import (
    DebeziumPostgresConnector,
    require_readers_apart,
)
from components.streaming.connectors.pipeline import source_connector


def source_connectors(config: StackConfig) -> list[DebeziumPostgresConnector]:
    """One connector for all tables, or one for each (`source.isolation`).

    With one for each, a table that stops its connector, or takes long to read, holds up no other.
    The price is a slot, a WAL sender and a decoding of the whole log in PostgreSQL for each.

    Raises ValueError where two of them would read the same slot or publication.
    """
    if config.source.isolation == "shared":
        return [source_connector(config)]
    connectors = [_connector_of(config, table) for table in config.tables]
    require_readers_apart(connectors)
    return connectors


def _connector_of(config: StackConfig, table: str) -> DebeziumPostgresConnector:
    """The connector of one table; its topic is the same as with a shared connector."""
    source = config.source
    alone = {"slot": source.slot_of(table), "publication": source.publication_of(table)}
    usual = source_connector(
        config.model_copy(update={"tables": (table,), "source": source.model_copy(update=alone)})
    )
    # The connectors share their topics' prefix, by which Debezium also names its metrics: without
    # a tag, each but the first on a worker would wait for a minute and then have none.
    own = {
        "name": f"{usual.name}-{table}",
        "extra": {**usual.extra, "custom.metric.tags": f"table={table}"},
        # Counted by each connector for itself, the events of one transaction would not add up.
        "transaction_metadata": False,
    }
    return DebeziumPostgresConnector.model_validate({**dict(usual), **own})
