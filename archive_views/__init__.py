"""The SQL of views over the archive: each table's history and present, and all events."""
