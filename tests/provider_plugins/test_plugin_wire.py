"""What the engine sends is what a provider sees, and back."""

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from provider_plugins.wire import (
    OUTPUT_SIGNATURE,
    RESOURCE_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN,
    UNKNOWN_MARKS,
    Secret,
    carry_secrets,
    decode,
    encode,
    has_secret,
    has_unknown,
    plain,
)

texts = st.text(max_size=8).filter(lambda text: text not in UNKNOWN_MARKS)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**53), max_value=2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    st.just(UNKNOWN),
)


def trees(*, with_secrets: bool = True) -> st.SearchStrategy[Any]:
    def deeper(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        shapes = [
            st.lists(children, max_size=3),
            st.dictionaries(texts.filter(lambda key: key != SIGNATURE_KEY), children, max_size=3),
        ]
        return st.one_of(*shapes, *([children.map(Secret)] if with_secrets else []))

    return st.recursive(leaves, deeper, max_leaves=12)


@given(trees())
def test_every_value_survives_the_wire(value: Any) -> None:
    assert decode(encode(value)) == value


@given(trees())
def test_plain_values_hold_no_secret_and_the_same_unknowns(value: Any) -> None:
    assert not has_secret(plain(value))
    assert has_unknown(plain(value)) == has_unknown(value)


@given(trees())
def test_secrets_carried_onto_their_own_plain_copy_hide_the_same(value: Any) -> None:
    without_nulls = decode(encode(value))
    marked = carry_secrets(plain(without_nulls), without_nulls)
    assert has_secret(marked) == has_secret(_without_nulls(without_nulls))


def _without_nulls(value: Any) -> Any:
    """Return the value without the map entries that `plain` drops, secret or not."""
    if isinstance(value, Secret):
        return Secret(_without_nulls(value.value))
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if plain(v) is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def test_whole_numbers_become_integers_which_kubernetes_insists_on() -> None:
    decoded = decode(struct_pb2.Value(number_value=3.0))
    assert decoded == 3
    assert isinstance(decoded, int)
    assert decode(struct_pb2.Value(number_value=0.5)) == 0.5


def test_an_output_value_is_a_secret_or_unknown() -> None:
    secret = {SIGNATURE_KEY: OUTPUT_SIGNATURE, "value": "x", "secret": True}
    assert decode(encode(secret)) == Secret("x")
    assert decode(encode({SIGNATURE_KEY: OUTPUT_SIGNATURE})) is UNKNOWN


def test_a_resource_reference_is_the_resources_id() -> None:
    assert decode(encode({SIGNATURE_KEY: RESOURCE_SIGNATURE, "urn": "u", "id": "i"})) == "i"


def test_assets_are_refused_by_name() -> None:
    asset = encode({SIGNATURE_KEY: "c44067f5952c0a294b673a41bacd8c17", "text": "x"})
    with pytest.raises(ValueError, match="an asset"):
        decode(asset)


def test_what_the_protocol_cannot_carry_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        encode({"key": object()})


def test_a_list_with_secrets_whose_length_changed_becomes_secret_as_a_whole() -> None:
    assert carry_secrets(["a", "b"], [Secret("a")]) == Secret(["a", "b"])


def test_a_secret_does_not_show_itself() -> None:
    assert "hunter2" not in repr({"password": Secret("hunter2")})
