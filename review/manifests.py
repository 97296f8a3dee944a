"""The resources of a preview as YAML: manifests for other tools, and text to compare."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from difflib import unified_diff
from typing import Any

import yaml

from policies.resource import Resource, Unknown

# Replaces a value that is known only during the update; secrets are "[secret]" already.
UNKNOWN_TEXT = "[unknown]"
# Characters. A longer line, such as an archive, is compared by its hash.
LONGEST_LINE = 300


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that a diff shows the changed line."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, "|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def manifests(resources: Iterable[Resource]) -> str:
    """Return the Kubernetes objects among the resources, as one YAML file."""
    objects = [_document(resource) for resource in resources if resource.is_kubernetes]
    return yaml.safe_dump_all(objects, explicit_start=True, width=4096)


def changes(before: Iterable[Resource], after: Iterable[Resource]) -> str:
    """Return the differences between two previews, by resource, as a unified diff."""
    old, new = _texts(before), _texts(after)
    lines: list[str] = []
    for title in sorted({*old, *new}):
        was, is_ = old.get(title, ""), new.get(title, "")
        if was != is_:
            origins = (title if was else "(nothing)", title if is_ else "(nothing)")
            lines += unified_diff(was.splitlines(), is_.splitlines(), *origins, lineterm="")
    return "\n".join(lines)


def _texts(resources: Iterable[Resource]) -> Mapping[str, str]:
    return {
        f"{resource.type} {resource.name}": "\n".join(
            _abridged(line)
            for line in yaml.dump(_document(resource), Dumper=_Dumper, width=4096).splitlines()
        )
        for resource in resources
    }


def _abridged(line: str) -> str:
    if len(line) <= LONGEST_LINE:
        return line
    digest = hashlib.sha256(line.encode()).hexdigest()[:12]
    return f"{line[:80]}… ({len(line)} characters, hash {digest})"


def _document(value: Any) -> Any:
    """Return plain data, in which an unknown value is a text."""
    match value:
        case Resource():
            return _document(value.properties)
        case Unknown():
            return UNKNOWN_TEXT
        case dict():
            return {key: _document(inner) for key, inner in value.items()}
        case list():
            return [_document(inner) for inner in value]
        case _:
            return value
