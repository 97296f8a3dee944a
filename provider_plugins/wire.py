"""How property values travel between the engine and a plugin.

The protocol carries a ``google.protobuf.Struct``. What JSON cannot say is wrapped: a secret is a
struct with a signature, an unknown (a value that the preview cannot know yet) is a reserved
string. Numbers arrive as doubles; whole ones become ``int``, because APIs refuse ``3.0``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

from google.protobuf import struct_pb2

# A resource's properties: JSON values, and `Secret` or `UNKNOWN` at any depth.
Properties = dict[str, Any]

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
UNSUPPORTED_SIGNATURES: Final = {
    "c44067f5952c0a294b673a41bacd8c17": "an asset",
    "0def7320c3a5731c473e5ecbe6d01bc7": "an archive",
}

UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_MARKS: Final = frozenset(
    {
        UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


class Unknown:
    """The type of `UNKNOWN`, of which there is one object."""

    def __repr__(self) -> str:
        return "<unknown>"

    def __bool__(self) -> bool:
        return False

    def __copy__(self) -> Unknown:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Unknown:
        return self


UNKNOWN: Final = Unknown()


class Secret:
    """A value that the engine encrypts in the state and hides in its output."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.value == other.value

    def __hash__(self) -> int:
        return hash((Secret, repr(self.value)))

    def __repr__(self) -> str:
        return "[secret]"


def decode(value: struct_pb2.Value) -> Any:
    """Return the Python value of a wire value.

    Raises:
        ValueError: the value is an asset or archive, which these plugins do not take.
    """
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _decode_struct(value.struct_value)
    if kind == "list_value":
        return [decode(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWN_MARKS else value.string_value
    if kind == "bool_value":
        return value.bool_value
    return None


def _decode_struct(struct: struct_pb2.Struct) -> Any:
    fields = struct.fields
    if SIGNATURE_KEY not in fields:
        return decode_properties(struct)
    signature = fields[SIGNATURE_KEY].string_value
    if signature == SECRET_SIGNATURE:
        return Secret(decode(fields["value"]))
    if signature == OUTPUT_SIGNATURE:
        inner = decode(fields["value"]) if "value" in fields else UNKNOWN
        return Secret(inner) if "secret" in fields and fields["secret"].bool_value else inner
    if signature == RESOURCE_SIGNATURE:
        return decode(fields["id"] if "id" in fields else fields["urn"])
    what = UNSUPPORTED_SIGNATURES.get(signature, f"a value with signature {signature}")
    raise ValueError(f"the sandbox's plugins do not take {what}")


def decode_properties(struct: struct_pb2.Struct) -> Properties:
    """Return the Python dictionary of a wire struct."""
    return {key: decode(value) for key, value in struct.fields.items()}


def encode(value: Any) -> struct_pb2.Value:  # noqa: PLR0911 (one return per kind of value)
    """Return the wire form of a Python value.

    Raises:
        TypeError: the value is of a type that the protocol cannot carry.
    """
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=UNKNOWN_STRING)
    if isinstance(value, Secret):
        return encode({SIGNATURE_KEY: SECRET_SIGNATURE, "value": value.value})
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, dict):
        return struct_pb2.Value(struct_value=encode_properties(value))
    if isinstance(value, list | tuple):
        items = struct_pb2.ListValue(values=[encode(item) for item in value])
        return struct_pb2.Value(list_value=items)
    raise TypeError(f"the provider protocol cannot carry a {type(value).__name__}")


def encode_properties(properties: Properties) -> struct_pb2.Struct:
    """Return the wire struct of a Python dictionary."""
    return struct_pb2.Struct(fields={key: encode(value) for key, value in properties.items()})


def plain(value: Any) -> Any:
    """Return a copy without secret wrappers and without null entries; unknowns stay."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        bare = {key: plain(item) for key, item in value.items()}
        return {key: item for key, item in bare.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return copy.copy(value)


def contains(value: Any, matches: Callable[[Any], bool]) -> bool:
    """Return whether `matches` holds for the value or for anything inside it."""
    if matches(value):
        return True
    if isinstance(value, Secret):
        return contains(value.value, matches)
    if isinstance(value, dict):
        return any(contains(item, matches) for item in value.values())
    if isinstance(value, list):
        return any(contains(item, matches) for item in value)
    return False


def has_unknown(value: Any) -> bool:
    """Return whether a preview does not know some part of the value yet."""
    return contains(value, lambda item: isinstance(item, Unknown))


def has_secret(value: Any) -> bool:
    """Return whether some part of the value is secret."""
    return contains(value, lambda item: isinstance(item, Secret))


def carry_secrets(value: Any, pattern: Any) -> Any:
    """`value` with everything marked secret that is secret at the same place in `pattern`."""
    if isinstance(pattern, Secret):
        return value if isinstance(value, Secret) else Secret(value)
    if isinstance(value, Secret):
        return value
    if isinstance(pattern, dict) and isinstance(value, dict):
        return {
            key: carry_secrets(item, pattern[key]) if key in pattern else item
            for key, item in value.items()
        }
    if isinstance(pattern, list) and isinstance(value, list):
        if len(pattern) != len(value) and has_secret(pattern):
            return Secret(value)  # positions no longer correspond: rather too much than too little
        return [carry_secrets(item, mark) for item, mark in zip(value, pattern, strict=False)] + (
            value[len(pattern) :]
        )
    return value
