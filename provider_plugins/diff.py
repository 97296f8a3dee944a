"""What changed between two sets of properties, path by path."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal

from provider_plugins.wire import UNKNOWN, Secret

Change = Literal["add", "delete", "update"]
# Property path, as the engine writes it (``spec.containers[0].image``), to what happens there.
Changes = dict[str, Change]


def join_path(parent: str, key: str | int) -> str:
    """Return the engine's path of a child: dots for plain keys, brackets for the others."""
    if isinstance(key, int):
        return f"{parent}[{key}]"
    if not key or any(character in key for character in './[]"\\'):
        return f"{parent}[{json.dumps(key)}]"
    return f"{parent}.{key}" if parent else key


def changes_between(old: Any, new: Any, path: str = "") -> Changes:
    """Return the changes that lead from `old` to `new`; both without secret wrappers.

    A value that the preview does not know counts as an update: it may differ.
    """
    if new is UNKNOWN:
        return {path: "update"}
    if isinstance(old, dict) and isinstance(new, dict):
        changes: Changes = {}
        for key in sorted({*old, *new}):
            if not key.startswith("__"):  # the SDK's own marks, such as __defaults
                changes |= _member_changes(old, new, key, join_path(path, key))
        return changes
    if isinstance(old, list) and isinstance(new, list):
        changes = {}
        for index in range(max(len(old), len(new))):
            old_items, new_items = dict(enumerate(old)), dict(enumerate(new))
            changes |= _member_changes(old_items, new_items, index, join_path(path, index))
        return changes
    return {} if old == new else {path: "update"}


def _member_changes(old: dict[Any, Any], new: dict[Any, Any], key: Any, path: str) -> Changes:
    if key not in new:
        return {path: "delete"}
    if key not in old:
        return {path: "add"}
    return changes_between(old[key], new[key], path)


def touches(path: str, rule: str) -> bool:
    """Return whether a change at `path` changes `rule`: the same path, inside or around it."""
    return _within(path, rule) or _within(rule, path)


def _within(path: str, ancestor: str) -> bool:
    return path == ancestor or path.startswith((f"{ancestor}.", f"{ancestor}["))


def paths_touching(changes: Iterable[str], rules: Iterable[str]) -> set[str]:
    """Return the changed paths that one of the rules names."""
    rules = list(rules)
    return {path for path in changes if any(touches(path, rule) for rule in rules)}


def shape_like(inputs: Any, live: Any) -> Any:
    """Return the live value in the shape of the inputs.

    What the service adds by itself is left out, so that a refresh shows what differs from the
    program and not what the program never said.
    """
    if isinstance(inputs, Secret):
        return Secret(shape_like(inputs.value, live))
    if isinstance(inputs, dict) and isinstance(live, dict):
        return {key: shape_like(value, live[key]) for key, value in inputs.items() if key in live}
    if isinstance(inputs, list) and isinstance(live, list) and len(inputs) == len(live):
        return [shape_like(value, now) for value, now in zip(inputs, live, strict=True)]
    return live
