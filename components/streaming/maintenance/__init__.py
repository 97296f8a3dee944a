"""The job that keeps an Iceberg archive small and quick to read (java/maintenance)."""
