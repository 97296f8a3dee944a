"""The named queries: the statements that create the views, and the queries of a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pulumi
import pulumi_aws as aws

from archive_views.athena import Statement, StatementTooLongError, statements, view_names
from archive_views.views import EVENTS
from components.archive.athena.queried_source import QueriedSource
from components.config.tables import iceberg_table_of


def declare_queries(
    sources: Sequence[QueriedSource],
    workgroup: aws.athena.Workgroup,
    views: Mapping[str, aws.glue.CatalogDatabase],
    opts: pulumi.ResourceOptions,
) -> None:
    """Declare a named query for each statement; `views` are the sources' databases of views."""
    described = [[source.columns, source.keys] for source in sources]
    made = pulumi.Output.all(*described).apply(partial(_statements, sources))
    for source in sources:
        tables = view_names(map(iceberg_table_of, source.database.tables)).values()
        for name in (*(name for table in tables for name in table), EVENTS):
            statement = made.apply(partial(_of, (source.name, name)))
            aws.athena.NamedQuery(
                source.database.qualified(f"query-{name}"),
                name=source.database.entry(name),
                workgroup=workgroup.id,
                database=views[source.name].name,
                description=statement["meaning"],
                query=statement["sql"],
                opts=opts,
            )


def _statements(
    sources: Sequence[QueriedSource], described: Sequence[Any]
) -> dict[tuple[str, str], Statement]:
    of_sources = [
        source.described(columns, keys)
        for source, (columns, keys) in zip(sources, described, strict=True)
    ]
    try:
        made = statements(of_sources)
    except StatementTooLongError as error:
        raise pulumi.RunError(str(error)) from None
    return {(one.source, one.name): one for one in made}


def _of(key: tuple[str, str], made: Mapping[tuple[str, str], Statement]) -> dict[str, str]:
    statement = made[key]
    return {"meaning": statement.meaning, "sql": statement.sql}
