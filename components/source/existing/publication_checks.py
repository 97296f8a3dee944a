"""What of an existing database's publication leaves out changes, or ends the updates of others."""

from __future__ import annotations

from collections.abc import Iterator

from components.source.existing.captured import Tables
from components.source.existing.problem import Problem
from components.source.existing.quoting import identifier, literal, table_name
from components.source.existing.statements import PUBLISHED

# The first that publishes all tables of a schema.
SCHEMAS_VERSION = 15
_PUBLICATION = """
SELECT captured.name, pg_publication.oid IS NOT NULL, membership.oid IS NOT NULL,
    (to_jsonb(membership) ->> 'prqual') IS NOT NULL,
    (to_jsonb(membership) ->> 'prattrs') IS NOT NULL,
    pubinsert AND pubupdate AND pubdelete AND pubtruncate,
    coalesce((to_jsonb(pg_publication) ->> 'pubviaroot')::boolean, true), puballtables
FROM captured LEFT JOIN pg_publication ON pubname = publication
    LEFT JOIN pg_publication_rel AS membership
        ON prpubid = pg_publication.oid AND prrelid = relation
WHERE relation IS NOT NULL
"""
_PUBLISHED_SCHEMAS = """
SELECT string_agg(quote_ident(nspname), ', ')
FROM pg_publication JOIN pg_publication_namespace ON pnpubid = pg_publication.oid
    JOIN pg_namespace ON pg_namespace.oid = pnnspid
WHERE pubname = %s
"""


def publication_problems(tables: Tables) -> Iterator[Problem]:
    """Yield what is wrong with the publication and the tables in it."""
    server = tables.server
    publication = server.source.publication_name(server.name)
    quoted = identifier(publication)
    rows = tables.rows(_PUBLICATION)
    if rows and not rows[0][1]:
        yield Problem(
            f"the publication {publication} does not exist",
            f"run the SQL of make source-sql SOURCE={server.name}, section 2",
        )
        return
    if server.version >= SCHEMAS_VERSION and (
        schemas := server.value(_PUBLISHED_SCHEMAS, publication)
    ):
        yield Problem(
            f"the publication {publication} publishes whole schemas ({schemas}), so their tables"
            " without a key refuse updates and deletes",
            f"ALTER PUBLICATION {quoted} DROP TABLES IN SCHEMA {schemas}; then run section 2 of"
            f" make source-sql SOURCE={server.name}",
        )
        return
    if rows and rows[0][7]:
        yield Problem(
            f"the publication {publication} is FOR ALL TABLES, so every table without a key of the"
            " database refuses updates and deletes",
            f"DROP PUBLICATION {quoted}; then run section 2 of make source-sql"
            f" SOURCE={server.name}",
        )
        return
    for name, _, is_member, filters_rows, filters_columns, *_rest in rows:
        table = table_name(name)
        if not is_member:
            yield Problem(
                f"{name}: it is not in the publication {publication}, so its changes are not"
                " captured",
                f"ALTER PUBLICATION {quoted} ADD TABLE {table};",
            )
        elif filters_rows or filters_columns:
            what = "a row filter" if filters_rows else "a list of columns"
            yield Problem(
                f"{name}: the publication {publication} has {what} for it, and what that leaves out"
                " is not captured",
                f"ALTER PUBLICATION {quoted} DROP TABLE {table};"
                f" ALTER PUBLICATION {quoted} ADD TABLE {table};",
            )
    if rows and not rows[0][5]:
        yield Problem(
            f"the publication {publication} does not publish {PUBLISHED}",
            f"ALTER PUBLICATION {quoted} SET (publish = {literal(PUBLISHED)});",
        )
    if rows and not rows[0][6]:
        yield Problem(
            f"the publication {publication} publishes partitions by their own names",
            f"ALTER PUBLICATION {quoted} SET (publish_via_partition_root = true);",
        )
