"""What the configuration's types say about a key: where it is declared, and what it allows."""

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator, BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from components.config.existing_source import SourceName
from components.settings import Pattern, parse_mebibytes
from components.sizing import Resources

_UNIONS = (typing.Union, types.UnionType)


@dataclass(frozen=True)
class Allowed:
    """The type of a value, taken apart: its choices, its bounds and its pattern."""

    choices: tuple[str, ...] = ()
    least: object = None
    above: object = None
    most: object = None
    pattern: Pattern | None = None
    unit: str = ""
    """of the numbers"""

    def __str__(self) -> str:
        """Return what is allowed in words, or nothing where the type itself is all."""
        if self.choices:
            return ", ".join(self.choices)
        if self.pattern:
            return self.pattern.allowed
        if self.above is not None:
            return f"above {self.above}, at most {self.most}"
        if self.least is not None and self.most is not None:
            return f"{self.least} to {self.most}"
        return "" if self.least is None else f"{self.least}{self.unit} or more"


def allowed_by(field: FieldInfo) -> Allowed:
    """Return what a key allows."""
    return _allowed(field.annotation, field.metadata)


def _allowed(annotation: object, metadata: typing.Iterable[object]) -> Allowed:
    allowed = Allowed()
    for option, inner in _options(annotation):
        if typing.get_origin(option) is typing.Literal:
            allowed = replace(allowed, choices=tuple(map(str, typing.get_args(option))))
        metadata = [*metadata, *inner]
    for item in metadata:
        match item:
            case Ge(ge=least):
                allowed = replace(allowed, least=least)
            case Gt(gt=above):
                allowed = replace(allowed, above=above)
            case Le(le=most):
                allowed = replace(allowed, most=most)
            case Lt(lt=int() as below):
                allowed = replace(allowed, most=below - 1)
            case BeforeValidator() if item.func is parse_mebibytes:
                allowed = replace(allowed, unit="Mi")
            case AfterValidator(func=Pattern() as pattern):
                allowed = replace(allowed, pattern=pattern)
    return allowed


def _options(annotation: object) -> Iterator[tuple[object, tuple[object, ...]]]:
    """Yield each type of a union with its metadata."""
    if typing.get_origin(annotation) in _UNIONS:
        for option in typing.get_args(annotation):
            yield from _options(option)
    elif typing.get_origin(annotation) is typing.Annotated:
        inner, *metadata = typing.get_args(annotation)
        for option, more in _options(inner):
            yield option, (*metadata, *more)
    else:
        yield annotation, ()


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the section that a key holds, also if it may be null; None if it holds a value."""
    for option in (field.annotation, *typing.get_args(field.annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


@dataclass(frozen=True)
class Entry:
    """What a mapping has a section for."""

    kind: str
    name: str
    """the form of its keys"""


TABLE_ENTRY, SOURCE_ENTRY = Entry("table", "schema.table"), Entry("source", "name")


def entry_of(field: FieldInfo) -> Entry | None:
    """Return what a key has a section for, where it holds a mapping to sections."""
    if typing.get_origin(field.annotation) is not Mapping or section_of(field) is None:
        return None
    return SOURCE_ENTRY if typing.get_args(field.annotation)[0] == SourceName else TABLE_ENTRY


def fields_of(section: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a section by their keys in a stack file."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def walk(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every key of a stack file with its field; a container's Resources are one key."""
    for name, field in fields_of(section).items():
        inner = section_of(field)
        if inner is None or inner is Resources:
            yield prefix + name, field
        else:
            entry = entry_of(field)
            below = f"<{entry.name}>." if entry else ""
            yield from walk(inner, f"{prefix}{name}.{below}")
