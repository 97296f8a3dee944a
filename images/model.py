"""What an image is made of: the types of the catalogs from which `build` makes layers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

REPOSITORY = "localhost/datapipe"

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


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
    base: "Image | None" = None
    root: DebianRoot | None = None
    jars: tuple[JarFolder, ...] = ()
    binary: str = ""
    """The program of the cache's `bin` that becomes /<binary>."""

    @property
    def reference(self) -> str:
        """The name by which pods ask for the image."""
        return f"{REPOSITORY}/{self.name}:{self.tag}"


@dataclass(frozen=True)
class Folder:
    """An empty folder of the image, owned by a user and writable for its group."""

    path: str
    uid: int


@dataclass(frozen=True)
class Link:
    """A symbolic link of the image."""

    path: str
    target: str


@dataclass(frozen=True)
class TextFile:
    """A small file of the image."""

    path: str
    text: str
    executable: bool = False


Entry = Folder | Link | TextFile


@dataclass(frozen=True)
class Variant(Image):
    """An image on a base, with further files, volumes and the command that it runs by default."""

    entries: tuple[Entry, ...] = ()
    volumes: tuple[str, ...] = ()
    """Paths at which a container runtime mounts a volume where the pod mounts none."""
    command: tuple[str, ...] = ()
