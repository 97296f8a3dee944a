"""Kafka Connect connectors: typed, validated, and declared as Pulumi resources."""

from components.streaming.connectors.confluent_s3 import ConfluentS3SinkConnector
from components.streaming.connectors.converters import AvroConverter, JsonConverter
from components.streaming.connectors.debezium import DebeziumPostgresConnector
from components.streaming.connectors.iceberg import IcebergSinkConnector
from components.streaming.connectors.model import Connector

__all__ = [
    "AvroConverter",
    "ConfluentS3SinkConnector",
    "Connector",
    "DebeziumPostgresConnector",
    "IcebergSinkConnector",
    "JsonConverter",
]
