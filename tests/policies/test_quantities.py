"""Quantities are read as the API server reads them.

kubernetes_quantities.json has texts and the results of k8s.io/apimachinery v0.34.4:
resource.ParseQuantity, then Value() (bytes) and MilliValue() (millicores); null if it refuses.
Sizes beyond 64 bits, for which these overflow, are left out.
"""

import json
import string
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity as parse_by_client

from policies.quantities import (
    format_mebibytes,
    parse_bytes,
    parse_millicores,
    parse_quantity,
)

ANSWERS = json.loads((Path(__file__).parent / "kubernetes_quantities.json").read_text())
# Read as 0 by Kubernetes; refused here.
NO_DIGIT = {"Mi", ".", "+", "m", "e3"}


@pytest.mark.parametrize(("text", "size", "millicores"), ANSWERS, ids=[repr(a[0]) for a in ANSWERS])
def test_a_text_means_what_it_means_to_kubernetes(
    text: str, size: int | None, millicores: int | None
) -> None:
    if size is None or text in NO_DIGIT:
        with pytest.raises(ValueError, match="not a valid Kubernetes quantity"):
            parse_quantity(text)
    else:
        assert (parse_bytes(text), parse_millicores(text)) == (size, millicores)


@given(
    st.decimals(min_value=0, max_value=10**6, places=3),
    st.sampled_from(
        ["", "n", "u", "m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
    ),
)
def test_any_number_and_unit_agree_with_kubernetes_own_client(number: Decimal, unit: str) -> None:
    assert parse_quantity(f"{number}{unit}") == parse_by_client(f"{number}{unit}")


@given(st.integers(0, 10**9), st.integers(-9, 18), st.sampled_from("eE"))
def test_exponents(number: int, exponent: int, letter: str) -> None:
    assert parse_quantity(f"{number}{letter}{exponent}") == Decimal(number).scaleb(exponent)


@given(st.text(alphabet=string.printable, max_size=8))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_quantity(text)
    except ValueError as refused:
        assert "quantity" in str(refused) or "size" in str(refused)


def test_numbers_from_a_manifest_are_accepted() -> None:
    assert parse_millicores(0.5) == 500
    assert parse_millicores(2) == 2000


def test_a_huge_exponent_is_refused_immediately() -> None:
    with pytest.raises(ValueError, match="not a valid size: the exponent is beyond 1000"):
        parse_quantity("1e999999999")


def test_sizes_are_written_in_mebibytes() -> None:
    assert format_mebibytes(parse_bytes("4Gi")) == "4096Mi"
    assert format_mebibytes(parse_bytes("1G")) == "953.7Mi"
