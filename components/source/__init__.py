"""The source layer: PostgreSQL with logical replication."""

from components.source.layer import Source, SourceArgs

__all__ = ["Source", "SourceArgs"]
