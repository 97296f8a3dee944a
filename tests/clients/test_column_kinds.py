"""Comments of an archived table's columns say what the columns hold."""

import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from clients.column_kinds import ArchivedColumn, archived_columns, columns_by_source


def schema_of(**comments: str | None) -> Schema:
    fields = enumerate(comments.items(), start=1)
    return Schema(*(NestedField(n, name, LongType(), doc=text) for n, (name, text) in fields))


@pytest.mark.parametrize(
    ("comment", "source", "kind"),
    [
        ("[datapipe integer]", "v", "integer"),
        ("days since 1970-01-01 [datapipe date]", "v", "date"),
        ("[datapipe float of amount]", "amount", "float"),
        ("my own words [datapipe float of an [odd] name]", "an [odd] name", "float"),
        (None, "v", None),
        ("my own words", "v", None),
        ("[datapipe integer] was here", "v", None),
    ],
)
def test_a_comment_says_what_a_column_holds(
    comment: str | None, source: str, kind: str | None
) -> None:
    assert archived_columns(schema_of(v=comment)) == [ArchivedColumn("v", source, kind)]


def test_columns_that_an_earlier_version_renamed_are_recognised() -> None:
    schema = schema_of(v="[datapipe text]", v__previous_type=None, w__before=None)
    assert columns_by_source(schema) == {
        "v": (ArchivedColumn("v", "v", "text"), ArchivedColumn("v__previous_type", "v", None)),
        "w__before": (ArchivedColumn("w__before", "w__before", None),),
    }


def test_columns_of_one_source_are_found_whatever_their_names() -> None:
    schema = schema_of(
        v__float="[datapipe text]",
        v__text="[datapipe text of v]",
        v="[datapipe integer]",
        v__float_2="[datapipe float of v]",
    )
    assert columns_by_source(schema) == {
        "v": (
            ArchivedColumn("v", "v", "integer"),
            ArchivedColumn("v__text", "v", "text"),
            ArchivedColumn("v__float_2", "v", "float"),
        ),
        "v__float": (ArchivedColumn("v__float", "v__float", "text"),),
    }
