"""The resources of a preview as YAML: manifests for other tools, and text to compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import unified_diff
from typing import Any

import yaml

from policies.resource import Resource, Unknown

UNKNOWN_TEXT = "[unknown]"
"""stands for what only the update will know; the engine has blinded secrets to "[secret]" """


def manifests(resources: Iterable[Resource]) -> str:
    """The Kubernetes objects among the resources, as one YAML file."""
    objects = [_document(resource) for resource in resources if resource.is_kubernetes]
    return yaml.safe_dump_all(objects, explicit_start=True, width=4096)


def changes(before: Iterable[Resource], after: Iterable[Resource]) -> str:
    """What differs between two previews, resource by resource, as a unified diff."""
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
        f"{resource.type} {resource.name}": yaml.safe_dump(_document(resource), width=4096)
        for resource in resources
    }


def _document(value: Any) -> Any:
    """Plain data, in which an unknown value is a text."""
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
