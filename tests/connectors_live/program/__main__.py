"""The connectors that connectors.json lists, on the worker that it names."""

import json
from pathlib import Path

from components.streaming.connectors.debezium import DebeziumPostgresConnector
from components.streaming.connectors.iceberg import IcebergSinkConnector
from components.streaming.connectors.model import Connector
from components.streaming.connectors.resource import KafkaConnector
from kafka_connect.access import ServiceProxy

KINDS: dict[str, type[Connector]] = {
    "source": DebeziumPostgresConnector,
    "sink": IcebergSinkConnector,
}

declared = json.loads((Path(__file__).parent / "connectors.json").read_text())
for connector in declared["connectors"]:
    KafkaConnector(
        connector["fields"]["name"],
        KINDS[connector["kind"]].model_validate(connector["fields"]),
        ServiceProxy(**declared["worker"]),
        environment=declared["environment"],
        **connector["resource"],
    )
