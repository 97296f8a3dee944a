"""Quantities in a stack file mean what they mean to the API server.

kubernetes_quantities.json is described in tests/policies/test_quantities.py.
"""

import json
from decimal import Decimal

import pytest

from clients.stack import PROJECT
from components.settings import MEBIBYTE, parse_mebibytes, parse_millicores
from policies.quantities import parse_quantity

ANSWERS = json.loads((PROJECT / "tests/policies/kubernetes_quantities.json").read_text())


@pytest.mark.parametrize(("text", "size", "millicores"), ANSWERS)
def test_what_is_accepted_means_the_same_to_kubernetes(
    text: str, size: int | None, millicores: int | None
) -> None:
    try:
        mebibytes = parse_mebibytes(text)
    except ValueError:
        mebibytes = None
    try:
        cores = parse_millicores(text)
    except ValueError:
        cores = None
    assert mebibytes is None or mebibytes * MEBIBYTE == size
    assert cores is None or cores == millicores


@pytest.mark.parametrize("unit", ["", "k", "M", "G", "Ki", "Mi", "Gi", "Ti", "e6", "E6"])
def test_every_unit_is_read(unit: str) -> None:
    expected = parse_quantity(f"1048576{unit}") / MEBIBYTE
    assert Decimal(parse_mebibytes(f"1048576{unit}")) == expected


@pytest.mark.parametrize(("given", "millicores"), [("500m", 500), ("1", 1000), (1.5, 1500)])
def test_cores_are_read(given: str | float, millicores: int) -> None:
    assert parse_millicores(given) == millicores


@pytest.mark.parametrize("given", ["nan", "inf", "1_0Mi", " 5Gi", "1e999999999", "-1e999999999"])
def test_what_only_python_takes_for_a_number_is_refused(given: str | float) -> None:
    with pytest.raises(ValueError, match=r"is not a Kubernetes quantity|is above the largest"):
        parse_mebibytes(given)
