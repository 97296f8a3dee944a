"""What the other layers see of a source, whoever runs its server."""

from dataclasses import dataclass
from typing import Any

import pulumi


@dataclass(frozen=True)
class DatabaseAddress:
    """How a client outside the cluster reaches the database."""

    host: str
    port: int | None
    """None: it is not reachable from outside"""
    user: str
    password: pulumi.Input[str]
    ssl_mode: str = "verify-full"


class CapturedSource(pulumi.ComponentResource):
    """A database whose tables are captured."""

    database: str
    outside: DatabaseAddress
    ca_certificate: pulumi.Output[str]
    """empty where the server's certificate is not checked"""
    capture_user: pulumi.Output[str]
    """known when the account may log in"""
    capture_password: pulumi.Output[str]
    captured: pulumi.Output[dict[str, Any]]
    """what the database says of the captured tables (DatabaseSchema, ExistingDatabase)"""
    captured_entries: pulumi.Output[str]
    """what the archive has of the tables, as JSON, where the database does not keep it"""
    keys: pulumi.Output[dict[str, list[str]]]
    """columns of each table's primary key; [] without"""
    columns: pulumi.Output[dict[str, list[list[str]]]]
    """each table's (name, PostgreSQL's type)"""
    captured_tables_query: pulumi.Input[str]
    """by which the worker sees what has changed of the tables"""
    ready: list[pulumi.Resource]
    """until they exist, a client has no tables, publication and account"""
