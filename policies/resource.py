"""Resources as plain data, without Pulumi's SDK.

A value that the preview can't know is an `Unknown`. Any use of it raises `NotKnownYetError`, so
that no rule can pass a value that it has not seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

Properties = Mapping[str, Any]


class NotKnownYetError(Exception):
    """A rule needs a value that is known only during the update."""


class Unknown:
    """A value that the preview can't know; any use of it raises `NotKnownYetError`.

    Test presence with `in` or `.get()`, never with `is` or `isinstance`: these two do not raise.
    """

    def __init__(self, path: str) -> None:
        """`path`: where the value is, for the message."""
        object.__setattr__(self, "_path", path)

    def _raise(self, *_: object) -> NoReturn:
        raise NotKnownYetError(object.__getattribute__(self, "_path"))

    def __getattr__(self, name: str) -> NoReturn:
        self._raise()

    __bool__ = __len__ = __iter__ = __str__ = __hash__ = __int__ = __float__ = _raise
    __getitem__ = __contains__ = __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = _raise
    __add__ = __radd__ = __format__ = __mul__ = __rmul__ = _raise


@dataclass(frozen=True)
class Resource:
    """A registered resource."""

    type: str
    """Pulumi's type token, such as kubernetes:apps/v1:StatefulSet."""
    name: str
    """Its name in the program."""
    properties: Properties
    urn: str = ""
    depends_on: frozenset[str] = frozenset()
    """URNs of the resources whose outputs this one uses; known only to stack policies."""
    excepted: bool = False
    """Whether an exception that has not expired names it."""

    @property
    def kind(self) -> str:
        """The last part of the type, such as StatefulSet."""
        return self.type.rpartition(":")[2]

    @property
    def is_kubernetes(self) -> bool:
        """Whether it is an object in a cluster."""
        return self.type.startswith("kubernetes:")

    @property
    def metadata(self) -> Properties:
        """The metadata of a Kubernetes object; empty for other resources."""
        metadata: Properties = self.properties.get("metadata", {})
        return metadata

    @property
    def namespace(self) -> str:
        """The namespace of a Kubernetes object; `default` if it has none."""
        return str(self.metadata.get("namespace", "default"))

    @property
    def title(self) -> str:
        """Its name in messages, such as `StatefulSet kafka`."""
        try:
            name = self.metadata.get("name") if self.is_kubernetes else None
            return f"{self.kind} {name or self.name}"
        except NotKnownYetError:
            return f"{self.kind} {self.name}"

    def is_kind(self, *kinds: str) -> bool:
        """Return whether it is a Kubernetes object of one of these kinds."""
        return self.is_kubernetes and self.kind in kinds


def entries(owner: Properties, key: str) -> Iterator[tuple[str, Properties]]:
    """Yield the mappings in a list property, each with its path for messages."""
    listed: Sequence[Properties] = owner.get(key, ())
    for index, entry in enumerate(listed):
        yield f"{key}[{index}]", entry


def as_list(value: Any) -> list[Any]:
    """Return a value as a list; AWS policy documents allow a single value instead of a list."""
    return list(value) if isinstance(value, list) else [value]


def parse_document(text: Any) -> Properties:
    """Parse a JSON document given as text, like AWS policies.

    Raises NotKnownYetError if it is unknown, ValueError if it is not a JSON object.
    """
    document = text if isinstance(text, Mapping) else json.loads(str(text))
    if not isinstance(document, Mapping):
        raise ValueError("the document is not a JSON object")
    return document
