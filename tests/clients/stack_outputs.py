"""Outputs of deployed stacks, as Pulumi returns them."""

import copy
from collections.abc import Mapping
from typing import Any

MANAGED: dict[str, Any] = {
    "managed": True,
    "objectNames": "short",
    "tables": ["public.users"],
    "topicPrefix": "postgres",
    "catalogDatabase": "cdc",
    "archived": {"public.users": "cdc.users"},
    "connectors": ["postgres-cdc-connector"],
    "slots": ["debezium_slot"],
    "publication": "dbz_publication",
    "database": {
        "host": "10.231.0.1",
        "port": 30432,
        "name": "ecommerce",
        "user": "postgres",
        "caCertificate": "-----BEGIN CERTIFICATE-----",
    },
    "databasePassword": "s3cret",
}
# An existing database. It has a table of the same name, and one that the managed one has not.
SHOP: dict[str, Any] = {
    "managed": False,
    "objectNames": "qualified",
    "tables": ["public.users", "sales.orders"],
    "capturedEntries": '{"public.users": {"oid": 1}, "sales.orders": {"oid": 2}}',
    "topicPrefix": "shop",
    "catalogDatabase": "cdc_shop",
    "archived": {"public.users": "cdc_shop.users", "sales.orders": "cdc_shop.sales_orders"},
    "connectors": ["shop-cdc-connector"],
    "slots": ["datapipe_shop"],
    "publication": "datapipe_shop",
    "database": {
        "host": "shop.example.com",
        "port": 5432,
        "name": "shop",
        "user": "datapipe",
        "caCertificate": "-----BEGIN CERTIFICATE-----",
        "sslMode": "verify-ca",
    },
    "databasePassword": "h1dden",
}
OUTPUTS: dict[str, Any] = {
    "namespace": "data-ingestion",
    "sources": {"postgres": MANAGED},
    "deadLetterTopics": {"sink": "s3-sink-dlq", "connect": "connect-dlq"},
    "budget": {"memoryMebibytes": 3584, "cpuMillicores": 3500, "storageMebibytes": 15360},
    "bootstrapServers": "10.231.0.1:30092",
    "connect": {"service": "kafka-connect", "port": 8083},
    "connectors": ["postgres-cdc-connector", "s3-sink-connector"],
    "anything": "that no client needs",
    "archive": {
        "bucket": "datapipe-ingestion-sandbox",
        "prefix": "topics",
        "sink": "iceberg",
        "region": "us-east-1",
        "endpoint": None,
    },
}
# Of a stack that captures both databases.
TWO_SOURCES: dict[str, Any] = {
    **OUTPUTS,
    "sources": {"postgres": MANAGED, "shop": SHOP},
    "connectors": ["postgres-cdc-connector", "shop-cdc-connector", "s3-sink-connector"],
}


def outputs_with(
    source: Mapping[str, Any] = MANAGED, /, *, archive: Mapping[str, Any] = {}, **changed: Any
) -> dict[str, Any]:
    """Return the outputs of a stack with one database, with changes to it and to the archive."""
    one = {**source, **changed}
    return copy.deepcopy(
        {
            **OUTPUTS,
            "sources": {one["topicPrefix"]: one},
            "archive": {**OUTPUTS["archive"], **archive},
        }
    )
