"""The archive layer: the bucket, who may write to it, and the catalog of its tables."""

from components.archive.access import SinkNeeds
from components.archive.layer import Archive, ArchiveArgs

__all__ = ["Archive", "ArchiveArgs", "SinkNeeds"]
