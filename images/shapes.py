"""Variants of the pipeline's images in the shape of those that the dev stack runs.

The real ones can't be had where only package registries are reachable. What a pod can trip over is
the same here: declared volumes, user, folders and their owners, where programs, jars, plug-ins and
the metrics agent lie. The programs in them are ours. docs/LIMITS.md lists what differs.
"""

from images.catalog import CONNECT, KAFKA, POSTGRESQL
from images.model import SYSTEM_PATH, Entry, Folder, Link, ProcessConfig, TextFile, Variant

APPUSER = 1000
POSTGRES = 70

_USERS = (
    TextFile(
        "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nappuser:x:1000:1000::/home/appuser:/bin/sh\n"
    ),
    TextFile("/etc/group", "root:x:0:\nappuser:x:1000:\n"),
)

# Started by it, a container would be configured by environment variables; our pods never are.
_RUN = """\
#!/bin/sh
echo "this container was started by the image's own script, not by the pod's command" >&2
exit 1
"""

# What Confluent's script of this name does with the variables that pods set.
_RUN_CLASS = """\
#!/bin/sh
# Runs a class of Kafka: kafka-run-class [-name NAME] [-loggc] CLASS ARGUMENT…
set -eu
while [ $# -gt 0 ]; do
    case $1 in
        -name) shift 2 ;;
        -loggc | -daemon) shift ;;
        *) break ;;
    esac
done
mkdir -p "${LOG_DIR:=/var/log/kafka}"
exec java ${KAFKA_HEAP_OPTS:-} ${KAFKA_JVM_PERFORMANCE_OPTS:-} \\
    "-Dkafka.logs.dir=$LOG_DIR" ${KAFKA_LOG4J_OPTS:-} ${KAFKA_OPTS:-} \\
    -cp '/usr/share/java/kafka/*' "$@"
"""


def _program(name: str, class_name: str) -> TextFile:
    """Return a start script, which passes its arguments and EXTRA_ARGS on as Confluent's does."""
    text = f'#!/bin/sh\nexec /usr/bin/kafka-run-class ${{EXTRA_ARGS:-}} {class_name} "$@"\n'
    return TextFile(f"/usr/bin/{name}", text, executable=True)


_KAFKA_ENTRIES: tuple[Entry, ...] = (
    *_USERS,
    Folder("/home/appuser", APPUSER),
    Folder("/etc/kafka", APPUSER),
    Folder("/etc/kafka/secrets", APPUSER),
    Folder("/var/lib/kafka", APPUSER),
    Folder("/var/lib/kafka/data", APPUSER),
    TextFile("/etc/kafka/log4j.properties", "log4j.rootLogger=INFO\n"),
    TextFile("/etc/confluent/docker/run", _RUN, executable=True),
    Folder("/usr/share/java", 0),
    Link("/usr/share/java/kafka", "/opt/kafka/libs"),
    Folder("/usr/share/java/cp-base-new", 0),
    Link(
        "/usr/share/java/cp-base-new/jmx_prometheus_javaagent-1.0.1.jar",
        "/opt/jmx-exporter/jmx_prometheus_javaagent.jar",
    ),
    TextFile("/usr/bin/kafka-run-class", _RUN_CLASS, executable=True),
    _program("kafka-server-start", "kafka.Kafka"),
    _program("kafka-storage", "kafka.tools.StorageTool"),
    _program("connect-distributed", "org.apache.kafka.connect.cli.ConnectDistributed"),
)

CP_KAFKA = Variant(
    name="shape-cp-kafka",
    tag="7.9.2",
    base=KAFKA,
    entries=_KAFKA_ENTRIES,
    volumes=("/var/lib/kafka/data", "/etc/kafka/secrets"),
    command=("/etc/confluent/docker/run",),
    config=ProcessConfig(
        user="appuser",
        env={
            "PATH": SYSTEM_PATH,
            "LANG": "C.UTF-8",
            "COMPONENT": "kafka",
            "KAFKA_ZOOKEEPER_CONNECT": "",
            "KAFKA_ADVERTISED_LISTENERS": "",
        },
    ),
)

_HUB = "/usr/share/confluent-hub-components"

CP_KAFKA_CONNECT = Variant(
    name="shape-cp-kafka-connect",
    tag="7.9.2",
    base=CONNECT,
    entries=(
        *_KAFKA_ENTRIES,
        Folder("/etc/kafka-connect", APPUSER),
        Folder("/etc/kafka-connect/jars", APPUSER),
        Folder("/etc/kafka-connect/secrets", APPUSER),
        Folder(f"{_HUB}/debezium-debezium-connector-postgresql", 0),
        Link(
            f"{_HUB}/debezium-debezium-connector-postgresql/lib", "/kafka/connect/debezium-postgres"
        ),
        Folder(f"{_HUB}/iceberg-iceberg-kafka-connect", 0),
        Link(f"{_HUB}/iceberg-iceberg-kafka-connect/lib", "/kafka/connect/iceberg-sink"),
    ),
    volumes=(
        *CP_KAFKA.volumes,
        "/etc/kafka-connect/jars",
        "/etc/kafka-connect/secrets",
    ),
    command=CP_KAFKA.command,
    config=ProcessConfig(user="appuser", env={**CP_KAFKA.config.env, "COMPONENT": "kafka-connect"}),
)

_PROGRAMS = ("initdb", "pg_ctl", "pg_isready", "postgres", "psql")

POSTGRES_ALPINE = Variant(
    name="shape-postgres",
    tag="15.10-alpine",
    base=POSTGRESQL,
    entries=(
        Folder("/var/lib/postgresql", POSTGRES),
        Folder("/var/lib/postgresql/data", POSTGRES),
        Folder("/docker-entrypoint-initdb.d", 0),
        *(
            Link(f"/usr/local/bin/{name}", f"/usr/lib/postgresql/15/bin/{name}")
            for name in _PROGRAMS
        ),
        TextFile("/usr/local/bin/docker-entrypoint.sh", _RUN, executable=True),
    ),
    volumes=("/var/lib/postgresql/data",),
    command=("postgres",),
    config=ProcessConfig(
        user="root",
        env={
            "PATH": SYSTEM_PATH,
            "LANG": "en_US.utf8",
            "PG_MAJOR": "15",
            "PGDATA": "/var/lib/postgresql/data",
        },
        entrypoint=("docker-entrypoint.sh",),
    ),
)

# In the order of building: a base before the images that are built on it.
SHAPES = (CP_KAFKA, CP_KAFKA_CONNECT, POSTGRES_ALPINE)
