"""A table that a user names is one that is captured, or the message says what is allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.stack import StackError, StackOutputs, parse_outputs
from clients.table_reference import TableReference, chosen_sources, chosen_tables, qualified
from tests.clients.stack_outputs import MANAGED, OUTPUTS, SHOP, TWO_SOURCES

ONE, TWO = parse_outputs("sandbox", OUTPUTS), parse_outputs("sandbox", TWO_SOURCES)
# As the configuration allows schemas, tables and sources.
IDENTIFIERS = st.from_regex(r"[a-z_][a-z0-9_]{0,62}", fullmatch=True)
TABLES = st.tuples(IDENTIFIERS, IDENTIFIERS).map(".".join)
SOURCES = st.from_regex(r"[a-z][a-z0-9_]{0,29}", fullmatch=True)


def quoted(table: str) -> str:
    return ".".join(f'"{part}"' for part in table.split("."))


def capturing(**tables: list[str]) -> StackOutputs:
    """Return a stack whose sources capture these tables."""
    sources = {
        name: {**(SHOP if name != "postgres" else MANAGED), "topicPrefix": name, "tables": own}
        for name, own in tables.items()
    }
    return parse_outputs("sandbox", {**OUTPUTS, "sources": sources})


@given(source=SOURCES, table=TABLES)
def test_a_name_is_read_as_it_is_written(source: str, table: str) -> None:
    assert TableReference.parse(table) == TableReference(None, table)
    assert TableReference.parse(table, source) == TableReference(source, table)
    for text in (f"{source}.{table}", f'"{source}".{quoted(table)}', f"{source}.{quoted(table)}"):
        assert TableReference.parse(text) == TableReference(source, table)
        assert TableReference.parse(text, source) == TableReference(source, table)


@given(
    tables=st.dictionaries(SOURCES, st.lists(TABLES, min_size=1, unique=True), min_size=1),
    data=st.data(),
)
def test_a_name_finds_the_source_that_captures_it_and_no_other(
    tables: dict[str, list[str]], data: st.DataObject
) -> None:
    outputs = capturing(**tables)
    source = data.draw(st.sampled_from(sorted(tables)))
    table = data.draw(st.sampled_from(tables[source]))
    assert TableReference.parse(f"{source}.{table}").find(outputs).source == source
    assert TableReference.parse(qualified(outputs.of(source), table)).find(outputs).source == source
    having = [name for name, own in tables.items() if table in own]
    reference = TableReference.parse(table)
    if len(having) == 1:
        assert reference.find(outputs).source == source
    else:
        with pytest.raises(StackError) as raised:
            reference.find(outputs)
        assert all(name in str(raised.value) for name in having)


@given(text=st.text())
def test_any_other_text_is_refused_and_never_means_a_captured_table(text: str) -> None:
    try:
        reference = TableReference.parse(text)
    except StackError as error:
        assert str(error) == (
            f"{text!r} is not a valid table; allowed: schema.table or source.schema.table"
        )
        return
    with pytest.raises(StackError, match="capture"):
        reference.find(TWO)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "users", "public.", ".users", "public..users", "a.b.c.d", "a b.c"),
        *('public."users', 'public.us"ers', 'public."".users', "public.users ", '"public.users"'),
    ],
)
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(StackError, match=r"not a valid table; allowed: schema\.table or source\."):
        TableReference.parse(text)


@pytest.mark.parametrize("text", ['"shop.public".users', 'public."users.x"', 'a."b""c"'])
def test_a_dot_in_quotes_does_not_divide_a_name(text: str) -> None:
    reference = TableReference.parse(text)
    assert reference.source is None
    with pytest.raises(StackError, match="does not capture"):
        reference.find(TWO)


def test_a_table_of_two_sources_must_be_chosen() -> None:
    message = (
        r"postgres and shop have a table public\.users; choose one with SOURCE=postgres or"
        r" --source, or write postgres\.public\.users"
    )
    with pytest.raises(StackError, match=message):
        TableReference.parse("public.users").find(TWO)
    assert TableReference.parse("public.users", "shop").find(TWO).source == "shop"
    assert TableReference.parse("sales.orders").find(TWO).source == "shop"
    with pytest.raises(StackError, match="of the source shop, but the source postgres was chosen"):
        TableReference.parse("shop.public.users", "postgres")


def test_a_table_that_is_not_captured_is_named_with_those_that_are() -> None:
    with pytest.raises(StackError, match=r"the stack does not capture public\.x; it captures"):
        TableReference.parse("public.x").find(ONE)
    with pytest.raises(StackError, match=r"captures postgres\.public\.users, shop\.public\.users,"):
        TableReference.parse("public.x").find(TWO)
    with pytest.raises(
        StackError, match=r"the source shop does not capture public\.x; it captures"
    ):
        TableReference.parse("shop.public.x").find(TWO)
    with pytest.raises(StackError, match="no database 'store'; allowed: postgres, shop"):
        TableReference.parse("store.public.users").find(TWO)


def test_names_are_qualified_where_the_stack_has_several_sources() -> None:
    assert qualified(ONE, "public.users") == "public.users"
    assert qualified(TWO, "public.users") == "postgres.public.users"
    assert qualified(TWO.of("shop"), "public.users") == "shop.public.users"


def test_without_a_choice_all_sources_and_tables_are_chosen() -> None:
    assert [each.source for each in chosen_sources(TWO, None)] == ["postgres", "shop"]
    assert [each.source for each in chosen_sources(TWO, "shop")] == ["shop"]
    chosen = [(own.source, tables) for own, tables in chosen_tables(TWO, [], None)]
    assert chosen == [
        ("postgres", ["public.users"]),
        ("shop", ["public.users", "sales.orders"]),
    ]


def test_chosen_tables_are_grouped_by_source_and_none_is_chosen_twice() -> None:
    wanted = ["shop.public.users", "sales.orders", "postgres.public.users", "shop.sales.orders"]
    chosen = [(own.source, tables) for own, tables in chosen_tables(TWO, wanted, None)]
    assert chosen == [
        ("postgres", ["public.users"]),
        ("shop", ["public.users", "sales.orders"]),
    ]
    with pytest.raises(StackError, match=r"does not capture sales\.orders"):
        chosen_tables(TWO, ["sales.orders"], "postgres")
