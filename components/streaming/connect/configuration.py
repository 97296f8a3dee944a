"""The workers' configuration file (design: "Kafka Connect Cluster")."""

from collections.abc import Iterable

from components.config.streaming import ConnectSettings
from components.images import ImageFamilyTable
from components.streaming.connect.plugins import PLUGIN_DIR
from components.streaming.properties import Properties

POD_IP = "POD_IP"
JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter"

OFFSET_PARTITIONS = 6
# Kafka's defaults, 25 and 5, are meant for hundreds of connectors and cost each broker memory.
STATUS_PARTITIONS = 3

# How long the tasks of a worker that left wait for its return. The default of five minutes is for
# large clusters; here a restarted worker is back sooner, and no other can take over.
REBALANCE_DELAY_MS = 5000

# Our own transform and extension; they come with the ConfigMap, so any image will do.
PLUGINS_OF_OURS = "/opt/datapipe/plugins"
EXTENSIONS = (
    # Connect leaves a failed task as it is; this restarts it after 15 s, then less and less often.
    "datapipe.connect.RestartFailed",
    # For how long records wait to be archived; a sink's lag does not show it.
    "datapipe.connect.WaitingRecords",
)
# How long a sink may take to finish its file or commit.
TASK_SHUTDOWN_MS = 15_000


def worker_properties(
    settings: ConnectSettings,
    images: ImageFamilyTable,
    replication_factor: int,
    bootstrap: str,
    variables: Iterable[str],
) -> Properties:
    """Return connect-distributed.properties; `variables` may be referred to as ${env:NAME}."""
    return {
        "bootstrap.servers": bootstrap,
        "group.id": settings.group_id,
        "listeners": f"http://:{settings.port}",
        "rest.advertised.host.name": f"${{env:{POD_IP}}}",
        "rest.advertised.port": settings.port,
        "config.storage.topic": settings.config_topic,
        "config.storage.replication.factor": replication_factor,
        "offset.storage.topic": settings.offset_topic,
        "offset.storage.replication.factor": replication_factor,
        "offset.storage.partitions": OFFSET_PARTITIONS,
        # An idle sink task answers a commit no sooner than this; Kafka's default is 60 s.
        "offset.flush.interval.ms": 5_000,
        "status.storage.topic": settings.status_topic,
        "status.storage.replication.factor": replication_factor,
        "status.storage.partitions": STATUS_PARTITIONS,
        # Each connector names its own converters; a worker does not start without any.
        "key.converter": JSON_CONVERTER,
        "value.converter": JSON_CONVERTER,
        "plugin.path": ",".join(_plugin_folders(settings, images)),
        "plugin.discovery": images.plugin_discovery,
        "rest.extension.classes": ",".join(EXTENSIONS),
        "topic.creation.enable": False,
        "exactly.once.source.support": "enabled" if settings.exactly_once else "disabled",
        "connector.client.config.override.policy": "All",
        "scheduled.rebalance.max.delay.ms": REBALANCE_DELAY_MS,
        "task.shutdown.graceful.timeout.ms": TASK_SHUTDOWN_MS,
        **_environment_references(variables),
        **_clients(),
    }


def _plugin_folders(settings: ConnectSettings, images: ImageFamilyTable) -> list[str]:
    downloaded = [PLUGIN_DIR] if settings.plugins == "hub" else []
    return list(dict.fromkeys([*images.plugin_path.split(","), *downloaded, PLUGINS_OF_OURS]))


def _environment_references(variables: Iterable[str]) -> Properties:
    """${env:NAME}, for the names that are meant to be read and no others."""
    names = "|".join(sorted({*variables, POD_IP}))
    return {
        "config.providers": "env",
        "config.providers.env.class": (
            "org.apache.kafka.common.config.provider.EnvVarConfigProvider"
        ),
        "config.providers.env.param.allowlist.pattern": f"^({names})$",
    }


def _clients() -> Properties:
    """Design: "Kafka Tuning", with acks=all instead of 1: see docs/DESIGN.md."""
    return {
        "producer.acks": "all",
        "producer.enable.idempotence": True,
        "producer.batch.size": 32768,
        "producer.linger.ms": 10,
        "producer.compression.type": "lz4",
        "consumer.isolation.level": "read_committed",
    }
