"""The source layer: PostgreSQL with logical replication, managed or existing."""

from components.source.captured_source import CapturedSource
from components.source.declared import declare_sources
from components.source.layer import Source, SourceArgs

__all__ = ["CapturedSource", "Source", "SourceArgs", "declare_sources"]
