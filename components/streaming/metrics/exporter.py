"""The JMX exporter, a Java agent of Prometheus' project, in a JVM's pod.

The image has the agent; its rules and the way to start it come with the pod's ConfigMap. None has
`cache: true`: the agent would keep an entry for each attribute and rule, whether they match or not,
which took half of the worker's heap with 400 tables (docs/TUNING.md).
"""

from collections.abc import Iterator, Sequence
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
 topic=(?:{topics}), partition=(\\d+)><>records-(lag|lead):'
    name: kafka_consumer_${last}
    help: Records of a partition that the sink has not read yet (lag), or has and are kept (lead)
    type: GAUGE
    labels:
      topic: {topic}
      partition: ${partition}
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
    lag = lag_rule(databases, sink)
    read = "".join(CONSUMER_BEANS.format(prefix=database.topic_prefix) for database in databases)
    unlabelled = [database.topic_prefix for database in databases if database.label is None]
    rules = rules_of("worker").replace(CONSUMER_BEANS.format(prefix=MANAGED), read, 1)
    rules = rules.replace(SERVERS, "|".join([*unlabelled, SERVER_LABEL]))
    return rules.replace("rules:\n", f"rules:\n{lag}", 1)


def lag_rule(databases: Sequence[CapturedDatabase], sink: str) -> str:
    """Return the rule of kafka_consumer_lag and _lead for the sink only.

    A consumer's MBeans have underscores in place of a topic's dots, so the tables must be named:
    the rule could not see where the schema ends. It is one rule for all of them, because the agent
    tries each rule on each attribute, and the tables have many.
    """
    alternatives = [name for database in databases for name in _topic_patterns(database)]
    # Of an alternative that does not match, the groups are empty.
    prefix, schema, table = (
        "".join(f"${group}" for group in range(first, 3 * len(alternatives) + 1, 3))
        for first in (1, 2, 3)
    )
    partition = 3 * len(alternatives) + 1
    return LAG_RULE.format(
        sink=sink,
        topics="|".join(alternatives),
        topic=f"{prefix}.{schema}.{table}",
        partition=partition,
        last=partition + 1,
    )


def _topic_patterns(database: CapturedDatabase) -> Iterator[str]:
    """Yield an expression for each schema's topics; prefix, schema and table are its groups."""
    names = sorted(table.split(".") for table in database.tables)
    for schema, group in groupby(names, key=lambda name: name[0]):
        tables = "|".join(table for _, table in group)
        yield f"({database.topic_prefix})_({schema})_({tables})"


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
