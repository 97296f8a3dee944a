"""SQL over the archive with Athena: a workgroup, a reader's role, and queries that make views."""

from components.archive.athena.layer import Athena, AthenaArgs, declare_athena

__all__ = ["Athena", "AthenaArgs", "declare_athena"]
