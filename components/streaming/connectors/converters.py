"""How records are written to Kafka: one typed class per converter."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from components.config.streaming import ConnectSettings, RegistrySettings
from components.streaming.access.transport import TRUST_STORE_FILE, Transport
from components.streaming.connectors.model import PropertyGroup, environment
from components.workloads import Workload, service_host


class JsonConverter(PropertyGroup):
    """JSON with the schema in every record, so that a sink knows columns and types.

    The class is ours, because Kafka's reads NaN, infinities and -0 back as 0.
    """

    converter_class: Literal["datapipe.connect.ExactJsonConverter"] = Field(
        default="datapipe.connect.ExactJsonConverter", serialization_alias=""
    )
    schemas_enable: bool = Field(default=True, serialization_alias=".schemas.enable")
    replace_null_with_default: bool = Field(
        default=False,
        serialization_alias=".replace.null.with.default",
        description="true would archive a column's default where the row has NULL",
    )


class AvroConverter(PropertyGroup):
    """Avro with Confluent Schema Registry, authenticated with BASIC as in the design.

    The class is ours and wraps Confluent's, whose failures during an outage of the registry are
    those of a bad record: a sink would send good records to the dead letter queue.
    """

    converter_class: Literal["datapipe.connect.RegistryConverter"] = Field(
        default="datapipe.connect.RegistryConverter", serialization_alias=""
    )
    delegate: Literal["io.confluent.connect.avro.AvroConverter"] = Field(
        default="io.confluent.connect.avro.AvroConverter", serialization_alias=".delegate"
    )
    wait_ms: int = Field(
        default=90_000,
        ge=0,
        serialization_alias=".wait.ms",
        description="for which a record waits for the registry before the task stops and is"
        " restarted; below the consumers' max.poll.interval.ms",
    )
    schema_registry_url: str = Field(
        pattern=r"^https?://", serialization_alias=".schema.registry.url"
    )
    user_info: str = Field(
        default=f"{environment('SCHEMA_AUTH_USER')}:{environment('SCHEMA_AUTH_PASS')}",
        serialization_alias=".basic.auth.user.info",
    )
    trust_store: str | None = Field(
        default=None,
        serialization_alias=".schema.registry.ssl.truststore.location",
        description="path in the worker of the registry's authority, where the URL is https",
    )
    trust_store_type: Literal["PKCS12"] | None = Field(
        default=None, serialization_alias=".schema.registry.ssl.truststore.type"
    )
    ignore_default_for_nullables: bool = Field(
        default=True,
        serialization_alias=".ignore.default.for.nullables",
        description="false would archive a column's default where the row has NULL",
    )

    def fixed_properties(self) -> Mapping[str, str]:
        """Return the properties; the credentials are those of `user_info`."""
        return {".basic.auth.credentials.source": "USER_INFO"}


class BytesConverter(PropertyGroup):
    """Bytes as they are, for a reader that has no use for what they mean."""

    converter_class: Literal["org.apache.kafka.connect.converters.ByteArrayConverter"] = Field(
        default="org.apache.kafka.connect.converters.ByteArrayConverter", serialization_alias=""
    )


Converter = JsonConverter | AvroConverter | BytesConverter


def stack_converter(
    connect: ConnectSettings, registry: RegistrySettings, namespace: str, transport: Transport
) -> Converter:
    """Return the converter of the captured tables' topics, for keys and values alike."""
    if connect.converter == "json":
        return JsonConverter()
    host = service_host(Workload.REGISTRY, namespace)
    return AvroConverter(
        schema_registry_url=f"{transport.rest_scheme}://{host}:{registry.port}",
        trust_store=TRUST_STORE_FILE if transport.encrypted else None,
        trust_store_type="PKCS12" if transport.encrypted else None,
    )
