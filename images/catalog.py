"""The pipeline's images, for clusters that cannot pull any: PostgreSQL, Kafka and Connect."""

from images.model import SYSTEM_PATH, DebianRoot, Image, JarFolder, ProcessConfig, User

POSTGRESQL = Image(
    name="postgresql",
    tag="15",
    root=DebianRoot(
        packages=("postgresql-15",),
        # There before Debian's package would make a user of another number.
        user=User("postgres", uid=70, home="/var/lib/postgresql"),
        excluded_paths=(
            # JIT compilation: 140 MB that a small OLTP source never uses. The server goes
            # without when the provider is not there.
            "/usr/lib/postgresql/*/lib/llvmjit*",
            "/usr/lib/postgresql/*/lib/bitcode/*",
            "/usr/lib/*/libLLVM-*",
            "/usr/lib/*/libz3.so*",
        ),
        files={"/etc/postgresql-common/createcluster.conf": "create_main_cluster = false\n"},
    ),
    config=ProcessConfig(
        user="70:70",
        env={"PATH": f"/usr/lib/postgresql/15/bin:{SYSTEM_PATH}", "LANG": "C.UTF-8"},
    ),
)

KAFKA = Image(
    name="kafka",
    tag="3.9.2",
    root=DebianRoot(
        packages=("ca-certificates", "openjdk-17-jre-headless"),
        user=User("kafka", uid=1000, home="/opt/kafka"),
        excluded_paths=(
            # The class data archive for heaps above 32 GB; the usual one stays.
            "/usr/lib/jvm/*/lib/server/classes_nocoops.jsa",
        ),
    ),
    jars=(
        JarFolder("kafka", target="/opt/kafka/libs"),
        JarFolder(
            "jmx-exporter",
            target="/opt/jmx-exporter/jmx_prometheus_javaagent.jar",
            file="jmx_prometheus_javaagent-*.jar",
        ),
    ),
    config=ProcessConfig(user="1000:1000", env={"PATH": SYSTEM_PATH, "LANG": "C.UTF-8"}),
)

CONNECT = Image(
    name="connect",
    tag="3.9.2-2.4.2",
    base=KAFKA,
    jars=(
        JarFolder(
            "debezium-postgres", target="/kafka/connect/debezium-postgres", connect_plugin=True
        ),
        JarFolder("iceberg-sink", target="/kafka/connect/iceberg-sink", connect_plugin=True),
    ),
    config=KAFKA.config,
)

# In the order of building: a base before the images that are built on it.
IMAGES = (POSTGRESQL, KAFKA, CONNECT)
