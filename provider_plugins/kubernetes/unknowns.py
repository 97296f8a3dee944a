"""Validating an object of which a preview does not know every part yet.

The unknown parts are text in all that our programs register (a digest in an annotation, a
generated password, a bucket's name), so text stands in for them in the dry run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from provider_plugins.kubernetes.cluster import ApiServerError, Object
from provider_plugins.wire import Unknown, has_unknown

STAND_IN: Final = "unknown0"
"""Allowed as a label, as a name and as base64."""


def with_stand_ins(value: Any) -> Any:
    """A copy with text in place of each unknown."""
    if isinstance(value, Unknown):
        return STAND_IN
    if isinstance(value, dict):
        return {key: with_stand_ins(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_stand_ins(item) for item in value]
    return value


def has_identity(obj: Object) -> bool:
    """Whether it is known which object this is; a dry run needs that much."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        return False
    return not has_unknown(
        [obj.get("apiVersion"), obj.get("kind"), metadata.get("name"), metadata.get("namespace")]
    )


def is_about_unknowns(failure: ApiServerError, obj: Object) -> bool:
    """Whether the API server refused nothing but what only stood in for an unknown."""
    unknown = set(unknown_paths(obj))
    if failure.fields:
        return all(any(field.startswith(path) for path in unknown) for field in failure.fields)
    if any(f".{path}: expected " in failure.message for path in unknown):
        return True  # all of a map is unknown, as that of a Secret whose values are generated
    # Text where a number or an object is expected can't be decoded; a misspelt field is named.
    return failure.status == 400 and "unknown field" not in failure.message


def unknown_paths(value: Any, path: str = "") -> Iterator[str]:
    """Where the unknowns are, in the API server's notation: spec.ports[0].port."""
    if isinstance(value, Unknown):
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from unknown_paths(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown_paths(item, f"{path}[{index}]")
