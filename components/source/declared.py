"""The sources that a stack's configuration asks for: the managed database, and existing ones."""

import pulumi

from components.config import StackConfig
from components.config.captured_database import CapturedDatabase
from components.security.layer import Security
from components.source.captured_source import CapturedSource
from components.source.layer import Source, SourceArgs


def declare_sources(
    config: StackConfig,
    security: Security,
    captured: pulumi.Resource,
    opts: pulumi.ResourceOptions,
) -> dict[str, CapturedSource]:
    """Declare the stack's databases; returns them by name.

    `captured` is the list of tables, which is checked first.
    """
    return {
        database.name: _declare(config, database, security, captured, opts)
        for database in config.databases
    }


def _declare(
    config: StackConfig,
    database: CapturedDatabase,
    security: Security,
    captured: pulumi.Resource,
    opts: pulumi.ResourceOptions,
) -> CapturedSource:
    if database.existing is None:
        args = SourceArgs.from_config(config, security.namespace, security.credentials, captured)
        return Source("source", args, opts)
    # PostgreSQL's driver takes long to import, and the managed database does not need it.
    from components.source.existing.layer import (  # noqa: PLC0415
        ExistingSourceArgs,
        ExistingSourceLayer,
    )
    from components.source.existing.worker_place import WorkerPlace  # noqa: PLC0415

    return ExistingSourceLayer(
        f"source-{database.name}",
        ExistingSourceArgs(
            database.name,
            database.existing,
            config.needs_avro_names,
            WorkerPlace(config.security.namespace, config.cluster.context),
            captured,
        ),
    )
