"""The connector plugins that an init container downloads (design: "plugin_installation").

Stacks whose image has its plugins baked in (`connect.plugins: image`) need none of this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi

from components.config.streaming import ConnectSettings
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


def plugin_archives(
    settings: ConnectSettings,
    images: ImageFamilyTable,
    sinks: Mapping[str, PluginArchive | None],
) -> list[PluginArchive]:
    """Return the archives to install at start; none where they are in the image.

    `sinks`: the archive of each sink's plug-in, by the sink's connector.

    Raises pulumi.RunError where the hub does not have them, or the images can't install them.
    """
    if settings.plugins == "image":
        return []
    if images.plugin_installer is None:
        raise pulumi.RunError(
            "connect.plugins: hub needs an image with curl, which this stack's images.family does"
            " not have; use plugins: image or set images.pluginInstaller"
        )
    archives = [replace(DEBEZIUM, sha256=settings.plugin_digests.debezium)]
    for name, archive in sinks.items():
        if archive is None:
            raise pulumi.RunError(
                f"connect.plugins: hub has no plug-in archive for {name}; build an image that"
                " contains the plug-in and use plugins: image, or choose archive.sink: confluent-s3"
            )
        archives.append(archive)
    return archives


def warn_of_unpinned(archives: list[PluginArchive]) -> None:
    """Say in the preview what will be installed unchecked."""
    for archive in archives:
        if archive.sha256 is None:
            pulumi.warn(
                f"{archive.url} is pinned by its version only; the log of the worker's init"
                " container install-plugins prints the SHA-256 to write under"
                f" connect.pluginDigests.{archive.digest_key}"
            )


def install_arguments(archives: list[PluginArchive]) -> list[str]:
    """Arguments of install-plugins.sh: three for each archive."""
    return [
        word for archive in archives for word in (archive.folder, archive.url, archive.sha256 or "")
    ]
