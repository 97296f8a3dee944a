"""The connector plugins that an init container downloads (design: "plugin_installation").

Stacks whose image has its plugins baked in (`connect.plugins: image`) need none of this.
"""

from dataclasses import dataclass, replace

import pulumi

from components.config import StackConfig
from components.images import ImageFamilyTable

PLUGIN_DIR = "/kafka/connect"
HUB = "https://api.hub.confluent.io/api/plugins"


@dataclass(frozen=True)
class PluginArchive:
    """A plugin's archive on Confluent Hub; the version is part of the address."""

    folder: str
    """below PLUGIN_DIR"""
    path: str
    """below HUB"""
    digest_key: str
    """below `connect.pluginDigests` in the stack file"""
    sha256: str | None = None
    """of the archive; None: not pinned, whatever the hub sends is installed"""

    @property
    def url(self) -> str:
        return f"{HUB}/{self.path}/archive"


DEBEZIUM = PluginArchive(
    folder="debezium-postgres",
    path="debezium/debezium-connector-postgresql/versions/2.4.2",
    digest_key="debezium",
)
S3_SINK = PluginArchive(
    folder="s3-sink",
    path="confluentinc/kafka-connect-s3/versions/10.5.0",
    digest_key="s3Sink",
)


def plugin_archives(config: StackConfig, images: ImageFamilyTable) -> list[PluginArchive]:
    """The archives to install at start; none where they are in the image.

    Raises pulumi.RunError where they can't be had from the hub.
    """
    if config.connect.plugins == "image":
        return []
    if images.plugin_installer is None:
        raise pulumi.RunError(
            f"connect.plugins: hub needs an image with curl, and images.family"
            f" {config.images.family} has none; write plugins: image or give images.pluginInstaller"
        )
    if config.archive.sink == "iceberg":
        raise pulumi.RunError(
            "connect.plugins: hub has no archive of the Iceberg sink; build an image with the"
            " plugin in it and write plugins: image, or choose archive.sink: confluent-s3"
        )
    digests = config.connect.plugin_digests
    return [replace(DEBEZIUM, sha256=digests.debezium), replace(S3_SINK, sha256=digests.s3_sink)]


def warn_of_unpinned(archives: list[PluginArchive]) -> None:
    """Say in the preview what will be installed unchecked."""
    for archive in archives:
        if archive.sha256 is None:
            pulumi.warn(
                f"{archive.url} is pinned by its version only; the log of the worker's init"
                " container install-plugins tells the SHA-256 to write under"
                f" connect.pluginDigests.{archive.digest_key}"
            )


def install_arguments(archives: list[PluginArchive]) -> list[str]:
    """Arguments of install-plugins.sh: three for each archive."""
    return [
        word for archive in archives for word in (archive.folder, archive.url, archive.sha256 or "")
    ]
