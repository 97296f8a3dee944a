"""The README's configuration table, made from the configuration's own types so it can't drift.

`python -m components.config.reference README.md` writes it between its two markers.
"""

import sys
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.config.stack import StackConfig
from components.settings import parse_mebibytes
from components.sizing import Resources

BEGIN, END = "<!-- configuration: begin -->", "<!-- configuration: end -->"


def table() -> str:
    """Every key of a stack file as a Markdown table: key, default, meaning."""
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for key, field in _keys(StackConfig, "datapipe:"):
        rows.append(f"| `{key}` | {_default(field)} | {_meaning(field)} |")
    return "\n".join(rows)


def with_table(text: str) -> str:
    """A document with the table between its markers brought up to date."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _keys(section: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in section.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = _section_of(field)
        if inner is None or inner is Resources:
            yield key, field
        else:
            yield from _keys(inner, f"{key}.{_entry_of(field)}")


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a key holds, also where it may be null."""
    for option in (field.annotation, *typing.get_args(field.annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _entry_of(field: FieldInfo) -> str:
    """What stands between the key and its section's own keys where there is one for each table."""
    is_mapping = typing.get_origin(field.annotation) is Mapping
    return "<schema.table>." if is_mapping else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(required)"
    value = field.default
    match value:
        case None | ():
            return "–"
        case Resources():
            requests, limits = value.manifest()["requests"], value.manifest()["limits"]
            return (
                f"memory {requests['memory']} to {limits['memory']},"
                f" CPU {requests['cpu']} to {limits['cpu']}"
            )
        case tuple():
            return ", ".join(f"`{item}`" for item in value)
        case bool():
            return f"`{str(value).lower()}`"
    in_mebibytes = any(getattr(item, "func", None) is parse_mebibytes for item in field.metadata)
    return f"`{value}Mi`" if in_mebibytes else f"`{value}`"


def _meaning(field: FieldInfo) -> str:
    choices = ""
    if typing.get_origin(field.annotation) in {typing.Literal, types.UnionType}:
        options = [item for item in typing.get_args(field.annotation) if isinstance(item, str)]
        choices = " or ".join(f"`{option}`" for option in options)
    return ". ".join(part for part in (field.description or "", choices) if part)


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(with_table(document.read_text()))
