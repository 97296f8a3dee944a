"""What is in each image: data, from which `build` makes layers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = "localhost/datapipe"

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class ImageBinaries:
    """The statically linked programs that images hold and the toolchain builds."""

    pause: Path
    coredns: Path


@dataclass(frozen=True)
class User:
    """A user of the image, with a group of the same name and number."""

    name: str
    uid: int
    home: str


@dataclass(frozen=True)
class DebianRoot:
    """A Debian root file system: essential packages, `packages` and what they depend on."""

    packages: tuple[str, ...]
    user: User
    excluded_paths: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """Files that must be there before `packages` are installed, by absolute path."""


@dataclass(frozen=True)
class JarFolder:
    """The module of jars/pom.xml that fills a folder of the image."""

    module: str
    target: str
    """Absolute path in the image of the folder, or of the file where `file` is set."""
    file: str = ""
    """The glob of the module's only file, to be found under one fixed name in the image."""
    connect_plugin: bool = False
    """Gets the service manifests by which Connect finds plugins without scanning jars."""


@dataclass(frozen=True)
class ProcessConfig:
    """The image's defaults for the process that runs in it."""

    user: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()


@dataclass(frozen=True)
class Image:
    """One image: a base (an image, a Debian root, or nothing) and what is put on top."""

    name: str
    tag: str
    config: ProcessConfig
    base: str = ""
    root: DebianRoot | None = None
    jars: tuple[JarFolder, ...] = ()
    binary: str = ""
    """The field of ImageBinaries whose file becomes /<binary>."""

    @property
    def reference(self) -> str:
        """The name by which pods ask for the image."""
        return f"{REPOSITORY}/{self.name}:{self.tag}"


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
        env={"PATH": f"/usr/lib/postgresql/15/bin:{_SYSTEM_PATH}", "LANG": "C.UTF-8"},
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
    config=ProcessConfig(user="1000:1000", env={"PATH": _SYSTEM_PATH, "LANG": "C.UTF-8"}),
)

CONNECT = Image(
    name="connect",
    tag="3.9.2-2.4.2",
    base="kafka",
    jars=(
        JarFolder(
            "debezium-postgres", target="/kafka/connect/debezium-postgres", connect_plugin=True
        ),
        JarFolder("iceberg-sink", target="/kafka/connect/iceberg-sink", connect_plugin=True),
    ),
    config=KAFKA.config,
)

PAUSE = Image(
    name="pause",
    tag="1",
    binary="pause",
    config=ProcessConfig(user="65535:65535", entrypoint=("/pause",)),
)

COREDNS = Image(
    name="coredns",
    tag="1.15.0",
    binary="coredns",
    config=ProcessConfig(user="65535:65535", entrypoint=("/coredns",)),
)

# In the order of building: a base before what stands on it.
IMAGES = (PAUSE, COREDNS, POSTGRESQL, KAFKA, CONNECT)


def by_name(name: str) -> Image:
    """Return the image of that name, which must be in the catalog."""
    return next(image for image in IMAGES if image.name == name)
