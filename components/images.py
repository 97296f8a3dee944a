"""The differences between the images that a stack may run, in one table.

The components bring their own configuration files and settings. Of an image they need to know its
name, the paths of its programs, what it contains, and what its own configuration declares. The
policy `image-volumes` judges the mounts of pods by its own copy of the declared volumes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from components.settings import Pattern, Settings

ImageFamily = Literal["confluent", "apache"]
# The worker's plugin.path separates folders by commas.
Folder = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"/[^,\s]+",
            name="folder",
            allowed="a path that begins with /, without commas and spaces",
        )
    ),
]
ImageName = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"[A-Za-z0-9][A-Za-z0-9._:/@-]*",
            name="image",
            allowed="a name with a tag or a digest, e.g. docker.io/library/postgres:15.10-alpine",
        )
    ),
]


@dataclass(frozen=True)
class Declared:
    """What an image's configuration declares, and the pods that run it must respect.

    A container runtime mounts an anonymous volume, which is deleted with the container, at each
    VOLUME that no mount of the pod covers exactly. Below a read-only mount it can't, and the
    container does not start.
    """

    user: int | None  # whose files the programs need; None: any user runs them
    volumes: tuple[str, ...] = ()
    data: str | None = None  # the one among `volumes` that holds what the pod must not lose


@dataclass(frozen=True)
class ImageFamilyTable:
    """The images of a family, and the paths in them."""

    postgresql: str
    kafka: str
    connect: str
    registry: str | None  # None: the family has no Schema Registry
    plugin_installer: str | None  # has curl, to download plugins; None: they are in the image
    # By the names of the five fields above.
    declared: Mapping[str, Declared]

    postgres_bin: str  # folder of initdb, postgres and psql
    # Shell words that start a broker; the path of server.properties follows.
    broker_command: str
    storage_command: str  # shell words of Kafka's storage tool
    # Shell words that start a Connect worker; the path of its properties follows.
    worker_command: str
    plugin_path: str  # of plugins in the image, for Connect's plugin.path
    plugin_discovery: Literal["hybrid_warn", "service_load"]
    # Whether Confluent's Avro converter and S3 sink are in the image or can be downloaded.
    confluent_plugins: bool
    # Folder of Debezium where the image has it (connect.plugins: image), for a jar of our own.
    debezium_plugin: str
    iceberg_plugin: str | None  # folder of Iceberg's sink; None: not in the family's images
    # Path of the JMX exporter's Java agent, a pattern if its version is part of the name. It is the
    # same in all images with a JVM; pods of an image without it have no metrics.
    metrics_agent: str


# Confluent's Connect image is built on the brokers' and inherits its volumes.
_CP_KAFKA = Declared(
    user=1000,
    volumes=("/etc/kafka/secrets", "/var/lib/kafka/data"),
    data="/var/lib/kafka/data",
)
_CP_CONNECT = Declared(
    user=1000,
    volumes=(*_CP_KAFKA.volumes, "/etc/kafka-connect/jars", "/etc/kafka-connect/secrets"),
)

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
        declared={
            "postgresql": Declared(
                user=70,
                volumes=("/var/lib/postgresql/data",),
                data="/var/lib/postgresql/data",
            ),
            "kafka": _CP_KAFKA,
            "connect": _CP_CONNECT,
            "registry": Declared(user=1000, volumes=("/etc/schema-registry/secrets",)),
            "plugin_installer": Declared(user=None),
        },
        postgres_bin="/usr/local/bin",
        broker_command="kafka-server-start",
        storage_command="kafka-storage",
        worker_command="connect-distributed",
        plugin_path="/usr/share/java,/usr/share/confluent-hub-components",
        plugin_discovery="hybrid_warn",
        confluent_plugins=True,
        # Where `confluent-hub install debezium/debezium-connector-postgresql` puts it.
        debezium_plugin=(
            "/usr/share/confluent-hub-components/debezium-debezium-connector-postgresql"
        ),
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
        declared={
            "postgresql": Declared(user=70),
            "kafka": Declared(user=1000),
            "connect": Declared(user=1000),
        },
        postgres_bin="/usr/lib/postgresql/15/bin",
        broker_command=f"{_JAVA} kafka.Kafka",
        storage_command=f"{_JAVA} kafka.tools.StorageTool",
        worker_command=f"{_JAVA} org.apache.kafka.connect.cli.ConnectDistributed",
        plugin_path="/kafka/connect",
        plugin_discovery="service_load",
        confluent_plugins=False,  # Confluent publishes them on no package registry
        debezium_plugin="/kafka/connect/debezium-postgres",
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
    postgresql: ImageName | None = Field(
        default=None,
        description="Image of PostgreSQL; the default is the family's.",
    )
    kafka: ImageName | None = Field(
        default=None, description="Image of the brokers; the default is the family's."
    )
    connect: ImageName | None = Field(
        default=None,
        description="Image of the Kafka Connect workers; the default is the family's.",
    )
    registry: ImageName | None = Field(
        default=None,
        description="Image of Schema Registry; the default is the family's.",
    )
    plugin_installer: ImageName | None = Field(
        default=None,
        description="Image with curl, by which connect.plugins: hub downloads the plugins (design:"
        " curlimages/curl); the default is the family's.",
    )
    iceberg_plugin: Folder | None = Field(
        default=None,
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
