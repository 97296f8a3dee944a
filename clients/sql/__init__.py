"""SQL over a stack's archive: DuckDB with the views of archive_views."""
