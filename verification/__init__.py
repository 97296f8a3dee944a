"""Compares an archive with its database: by key and every column, while rows change."""
