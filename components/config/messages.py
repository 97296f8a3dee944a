"""What a user reads of a stack file that is refused: the key, what was given, what is allowed.

The value that was given is shown only if it is the single value of a key that we know, and neither
the key nor the value looks like a credential.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from components.config.fields import (
    allowed_by,
    entry_of,
    fields_of,
    section_of,
)
from components.settings import NUMBERS, InvalidKeysError

MAY_NAME_A_SECRET = re.compile(r"password|passphrase|secret|token|credential|user|key", re.I)
LONGEST_SHOWN = 80

# By the first word of pydantic's name of the error, e.g. int_parsing and int_type.
EXPECTED = {
    "bool": "true or false",
    "dict": "a section",
    "float": "a number",
    "int": "a whole number",
    "mapping": "a section",
    "model": "a section",
    "string": "text",
    "tuple": "a list",
}
# By pydantic's name of the error.
PREDICATES = {
    "greater_than": "is too low",
    "greater_than_equal": "is too low",
    "ip_v4_network": "is not an IPv4 network; write for example 172.18.0.0/16",
    "less_than": "is too high",
    "less_than_equal": "is too high",
    "literal_error": "is not allowed",
}

Location = tuple[int | str, ...]


def messages(error: ValidationError, root: type[BaseModel]) -> list[str]:
    """Return a line `key: what is wrong and what is allowed` for each problem of a section."""
    problems = error.errors()
    wrong_entries = {problem["loc"][:-1] for problem in problems}
    return [
        line
        for problem in problems
        # Pydantic does not count a list's wrong entries, and then also calls the list too short.
        if not (problem["type"] == "too_short" and problem["loc"] in wrong_entries)
        for line in _lines(problem, root)
    ]


def _lines(problem: ErrorDetails, root: type[BaseModel]) -> Iterator[str]:
    location = tuple(part for part in problem["loc"] if part != "[key]")
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, InvalidKeysError):
        for key, text in cause.problems:
            yield f"{_key((*location, key))}: {text}"
    else:
        yield f"{_key(location)}: {_reason(problem, location, root)}"


def _key(location: Location) -> str:
    """Return the key as the stack file has it, e.g. sizing.broker.cpuLimit or tables[1]."""
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f"{'.' if key else ''}{part}"
    return key


def _reason(problem: ErrorDetails, location: Location, root: type[BaseModel]) -> str:
    kind, given = problem["type"], problem["input"]
    if kind == "missing":
        return _required(location, root)
    if kind == "extra_forbidden":
        return _unknown(location, root)
    field = _field_at(location, root)
    expected = EXPECTED.get(kind.partition("_")[0])
    if kind in {"string_too_short", "too_short"}:
        return "must not be empty"
    if kind in PREDICATES:
        predicate = PREDICATES[kind]
    elif expected is None:
        predicate = str(problem["msg"]).removeprefix("Value error, ")
    elif given is None or not _is_single(given) or expected in {"a list", "a section"}:
        return f"is {_kind(given)}, but must be {expected}{_example(given, location, field)}"
    else:
        predicate = f"is not {expected}" + ("; put it in quotes" if expected == "text" else "")
    allowed = str(allowed_by(field)) if field else ""
    hint = f"; allowed: {allowed}" if allowed and "allowed:" not in predicate else ""
    return f"{_shown(given, location, field)} {predicate}{hint}"


def _required(location: Location, root: type[BaseModel]) -> str:
    field = _field_at(location, root)
    section = section_of(field) if field else None
    if section is not None:
        needed = [key for key, inner in fields_of(section).items() if inner.is_required()]
        return f"is required, with {', '.join(needed)}"
    return f"is required. {field.description}" if field and field.description else "is required"


def _unknown(location: Location, root: type[BaseModel]) -> str:
    """Say which keys there are; the value of an unknown key is never shown."""
    section = _section_at(location[:-1], root)
    allowed = sorted(fields_of(section))
    close = difflib.get_close_matches(str(location[-1]), allowed, n=1)
    meant = f"; did you mean {close[0]}?" if close else "."
    return f"unknown key{meant} Allowed here: {', '.join(allowed)}"


def _shown(value: object, location: Location, field: FieldInfo | None) -> str:
    """Return a value as YAML writes it, or that it is hidden."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if not _is_single(value):
        return _kind(value)
    if _may_be_a_secret(value, location, field):
        return "the value (hidden, as it may be a secret)"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 2]}…'"


def _may_be_a_secret(value: object, location: Location, field: FieldInfo | None) -> bool:
    if "@" in str(value):
        return True
    if value == location[-1] or (field is not None and field.annotation in NUMBERS):
        return False  # the message has the key anyway, and our secrets are texts
    keys = [part for part in location if isinstance(part, str) and not _is_table(part)]
    return bool(MAY_NAME_A_SECRET.search(" ".join(keys)))


def _is_table(part: str) -> bool:
    """Return whether a part of a location is a table's name, not one of our keys."""
    return "." in part


def _kind(value: object) -> str:
    """Return what a value is, without showing it."""
    if value is None or value == "":
        return "empty"
    if isinstance(value, Mapping | BaseModel):
        return "a section"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list"
    return "a single value"


def _is_single(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _example(given: object, location: Location, field: FieldInfo | None) -> str:
    """Return how to write a list or a section where something else was given."""
    if field is None:
        return ""
    if section := section_of(field):
        entry = entry_of(field)
        if entry and location[-1] == field.alias:
            return f" for each {entry.kind}, by {entry.name}"
        return f"; its keys: {', '.join(sorted(fields_of(section)))}"
    is_list = getattr(field.annotation, "__origin__", None) is tuple
    if is_list and _is_single(given) and given not in {None, ""}:
        shown = _shown(given, location, field)
        item = shown.strip("'") if shown.startswith("'") else "…"
        return f'; write ["{item}"]'
    return ""


def _field_at(location: Location, root: type[BaseModel]) -> FieldInfo | None:
    """Return the field that a location is in; None for the stack file itself and unknown keys."""
    field, section = None, cast("type[BaseModel] | None", root)
    for part in location:
        if section is not None and part in fields_of(section):
            field = fields_of(section)[str(part)]
            section = section_of(field)
    return field


def _section_at(location: Location, root: type[BaseModel]) -> type[BaseModel]:
    field: Any = _field_at(location, root)
    return (section_of(field) if field else None) or root
