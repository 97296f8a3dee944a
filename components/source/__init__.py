"""The source layer: PostgreSQL with logical replication, managed or existing."""
