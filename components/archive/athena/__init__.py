"""SQL over the archive with Athena: a workgroup, a reader's role, and queries that make views."""
