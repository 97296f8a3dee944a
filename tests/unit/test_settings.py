"""Quantities in a stack file are read as the API server reads them.

kubernetes_quantities.json is described in tests/policies/test_quantities.py.
"""

import json
from decimal import Decimal

import pytest

from clients.stack import PROJECT
from components.settings import parse_mebibytes, parse_millicores
from policies.quantities import parse_quantity

ANSWERS = json.loads((PROJECT / "tests/policies/kubernetes_quantities.json").read_text())
# Read as 0 by Kubernetes; refused here.
NO_DIGIT = {"Mi", ".", "+", "m", "e3"}


@pytest.mark.parametrize(("text", "millicores"), [(a[0], a[2]) for a in ANSWERS])
def test_a_text_means_what_it_means_to_kubernetes(text: str, millicores: int | None) -> None:
    if millicores is None or text in NO_DIGIT:
        with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
            parse_millicores(text)
    elif millicores <= 0 or parse_quantity(text) * 1000 != millicores:
        with pytest.raises(ValueError, match="is not allowed; write a positive number"):
            parse_millicores(text)
    else:
        assert parse_millicores(text) == millicores


@pytest.mark.parametrize("value", ["nan", "inf", "1_0Mi", " 5Gi", "1e999999999", float("nan")])
def test_what_only_python_takes_for_a_number_is_refused(value: str | float) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        parse_mebibytes(value)


@pytest.mark.parametrize("unit", ["", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "E", "e6", "E6"])
def test_every_unit_is_read(unit: str) -> None:
    whole = parse_quantity(f"1048576{unit}") / 2**20
    assert Decimal(parse_mebibytes(f"1048576{unit}")) == whole
