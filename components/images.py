"""The differences between the images that a stack may run, in one table.

The components bring their own configuration files and settings. Of an image they need to know its
name, the paths of its programs and what it contains.
"""

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from components.settings import Settings

ImageFamily = Literal["confluent", "apache"]


@dataclass(frozen=True)
class ImageFamilyTable:
    """The images of a family, and the paths in them."""

    postgresql: str
    kafka: str
    connect: str
    registry: str | None  # None: the family has no Schema Registry
    plugin_installer: str | None  # has curl, to download plugins; None: they are in the image

    postgres_bin: str  # folder of initdb, postgres and psql
    # Shell words that start a broker; the path of server.properties follows.
    broker_command: str
    storage_command: str  # shell words of Kafka's storage tool
    # Shell words that start a Connect worker; the path of its properties follows.
    worker_command: str
    plugin_path: str  # Connect's plugin.path
    plugin_discovery: Literal["hybrid_warn", "service_load"]
    # Whether Confluent's Avro converter and S3 sink are in the image or can be downloaded.
    confluent_plugins: bool
    iceberg_plugin: str | None  # folder of Iceberg's sink; None: not in the family's images
    # Path of the JMX exporter's Java agent, a pattern if its version is part of the name. It is the
    # same in all images with a JVM; pods of an image without it have no metrics.
    metrics_agent: str


_JAVA = (
    "java $KAFKA_HEAP_OPTS $KAFKA_JVM_PERFORMANCE_OPTS $KAFKA_LOG4J_OPTS ${KAFKA_OPTS:-}"
    " -cp '/opt/kafka/libs/*'"
)

FAMILIES: dict[ImageFamily, ImageFamilyTable] = {
    "confluent": ImageFamilyTable(
        postgresql="docker.io/library/postgres:15.10-alpine",
        kafka="docker.io/confluentinc/cp-kafka:7.9.2",
        connect="docker.io/confluentinc/cp-kafka-connect:7.9.2",
        registry="docker.io/confluentinc/cp-schema-registry:7.9.2",
        plugin_installer="docker.io/curlimages/curl:8.11.1",
        postgres_bin="/usr/local/bin",
        broker_command="kafka-server-start",
        storage_command="kafka-storage",
        worker_command="connect-distributed",
        plugin_path="/usr/share/java,/kafka/connect",
        plugin_discovery="hybrid_warn",
        confluent_plugins=True,
        iceberg_plugin=None,
        # In cp-base-new, the base of all of Confluent's images: 0.18.0 in 7.4 to 7.8.
        metrics_agent="/usr/share/java/cp-base-new/jmx_prometheus_javaagent-*.jar",
    ),
    "apache": ImageFamilyTable(
        postgresql="localhost/datapipe/postgresql:15",
        kafka="localhost/datapipe/kafka:3.9.2",
        connect="localhost/datapipe/connect:3.9.2-2.4.2",
        registry=None,
        plugin_installer=None,
        postgres_bin="/usr/lib/postgresql/15/bin",
        broker_command=f"{_JAVA} kafka.Kafka",
        storage_command=f"{_JAVA} kafka.tools.StorageTool",
        worker_command=f"{_JAVA} org.apache.kafka.connect.cli.ConnectDistributed",
        plugin_path="/kafka/connect",
        plugin_discovery="service_load",
        confluent_plugins=False,  # Confluent publishes them on no package registry
        iceberg_plugin="/kafka/connect/iceberg-sink",
        metrics_agent="/opt/jmx-exporter/jmx_prometheus_javaagent.jar",
    ),
}


IMAGES = ("postgresql", "kafka", "connect", "registry", "plugin_installer")


class ImageSettings(Settings):
    """Which images a stack runs (`datapipe:images`); names given here replace the family's."""

    family: ImageFamily = Field(
        default="confluent",
        description="The set of images: confluent has the design's; apache has Apache Kafka,"
        " without Confluent's plug-ins and Schema Registry.",
    )
    postgresql: str | None = Field(
        default=None,
        min_length=1,
        description="Image of PostgreSQL; the default is the family's.",
    )
    kafka: str | None = Field(
        default=None, min_length=1, description="Image of the brokers; the default is the family's."
    )
    connect: str | None = Field(
        default=None,
        min_length=1,
        description="Image of the Kafka Connect workers; the default is the family's.",
    )
    registry: str | None = Field(
        default=None,
        min_length=1,
        description="Image of Schema Registry; the default is the family's.",
    )
    plugin_installer: str | None = Field(
        default=None,
        min_length=1,
        description="Image with curl, by which connect.plugins: hub downloads the plugins (design:"
        " curlimages/curl); the default is the family's.",
    )
    iceberg_plugin: str | None = Field(
        default=None,
        pattern="^/.+",
        description="Folder of Iceberg's sink in the image of the workers, where our transform and"
        " our counter are added to it; the default is the family's, and confluent's has none.",
    )

    def resolve(self) -> ImageFamilyTable:
        """Return the family's table with what this stack's file gives in it."""
        given = {
            name: value
            for name in (*IMAGES, "iceberg_plugin")
            if (value := getattr(self, name)) is not None
        }
        return replace(FAMILIES[self.family], **given)
