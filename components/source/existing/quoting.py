"""Names and texts as SQL has them, for statements that people read before they run them."""


def identifier(name: str) -> str:
    """Return a name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def table_name(table: str) -> str:
    """Return schema.table as an identifier."""
    schema, _, name = table.partition(".")
    return f"{identifier(schema)}.{identifier(name)}"


def literal(text: str) -> str:
    """Return a text in single quotes. Backslashes mean themselves (standard_conforming_strings)."""
    return "'" + text.replace("'", "''") + "'"


def indented(text: str) -> str:
    """Return the lines with four spaces before each."""
    return "\n".join(f"    {line}" for line in text.splitlines())
