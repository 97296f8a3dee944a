"""The JMX exporter, a Java agent of Prometheus' project, in a JVM's pod.

The image has the agent; its rules and the way to start it come with the pod's ConfigMap.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from components.config.captured_database import CapturedDatabase
from components.config.existing_source import MANAGED
from components.config.metrics import MetricsSettings
from components.images import ImageFamilyTable
from components.manifests import Manifest

FILES = Path(__file__).parent / "files"
AGENT_SCRIPT = "metrics-agent.sh"
RULES_FILE = "metrics.yml"
PATH = "/metrics"

LAG_RULE = """\
  - pattern: 'kafka.consumer<type=consumer-fetch-manager-metrics,\
 client-id=connector-consumer-{sink}-\\d+,\
 topic={prefix}_{schema}_({tables}), partition=(\\d+)><>records-(lag|lead):'
    name: kafka_consumer_$3
    help: Records of a partition that the sink has not read yet (lag), or has and are kept (lead)
    type: GAUGE
    cache: true
    labels:
      topic: {prefix}.{schema}.$1
      partition: $2
"""


# Debezium's name of a source in worker.yml: that without a label, or one that becomes the label.
SERVER_LABEL = "([^,]+)"
SERVERS = f"{MANAGED}|{SERVER_LABEL}"
# The line of worker.yml by which the MBeans of a database's topics are read.
CONSUMER_BEANS = """\
  - kafka.consumer:type=consumer-fetch-manager-metrics,client-id=connector-consumer-*,\
topic={prefix}_*,partition=*
"""


def agent_files(rules: str) -> dict[str, str]:
    """Return the script that the start scripts source, and the rules; for the pod's ConfigMap."""
    return {AGENT_SCRIPT: (FILES / AGENT_SCRIPT).read_text(), RULES_FILE: rules}


def rules_of(program: str) -> str:
    """Return the rules of one of files/*.yml."""
    return (FILES / f"{program}.yml").read_text()


def worker_rules(databases: Sequence[CapturedDatabase], sink: str) -> str:
    """Return the rules of a worker that captures these databases for a sink."""
    lag = "".join(lag_rules(database, sink) for database in databases)
    read = "".join(CONSUMER_BEANS.format(prefix=database.topic_prefix) for database in databases)
    unlabelled = [database.topic_prefix for database in databases if database.label is None]
    rules = rules_of("worker").replace(CONSUMER_BEANS.format(prefix=MANAGED), read, 1)
    rules = rules.replace(SERVERS, "|".join([*unlabelled, SERVER_LABEL]))
    return rules.replace("rules:\n", f"rules:\n{lag}", 1)


def lag_rules(database: CapturedDatabase, sink: str) -> str:
    """Return the rules of kafka_consumer_lag and _lead for the sink only, one for each schema.

    A consumer's MBeans have underscores in place of a topic's dots, so the tables must be named:
    the rule could not see where the schema ends.
    """
    parts = sorted(table.split(".") for table in database.tables)
    return "".join(
        LAG_RULE.format(
            sink=sink,
            prefix=database.topic_prefix,
            schema=schema,
            tables="|".join(table for _, table in group),
        )
        for schema, group in groupby(parts, key=lambda part: part[0])
    )


def agent_environment(
    settings: MetricsSettings, images: ImageFamilyTable, config_dir: str
) -> dict[str, str]:
    """Return what the start script must know; nothing where the stack wants no metrics."""
    if not settings.enabled:
        return {}
    return {
        "METRICS_AGENT": images.metrics_agent,
        "METRICS_RULES": f"{config_dir}/{RULES_FILE}",
        "METRICS_PORT": str(settings.port),
    }


def scrape_annotations(settings: MetricsSettings) -> dict[str, str]:
    """Return the pod's annotations by which a Prometheus without the operator finds it."""
    if not settings.enabled:
        return {}
    return {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(settings.port),
        "prometheus.io/path": PATH,
    }


def metrics_ports(settings: MetricsSettings) -> list[Manifest]:
    """Return the container's port, by the name that the PodMonitor asks for."""
    return [{"name": "metrics", "containerPort": settings.port}] if settings.enabled else []
