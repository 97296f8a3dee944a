"""A failed check counts unless an exception names it for this stack; an unneeded one fails."""

import json

import pytest

from review.checkov import Outcome, outcome

POSTGRESQL = "StatefulSet.data-ingestion.postgresql"


def found(stack: str, *, passed: dict[str, str], failed: dict[str, str]) -> Outcome:
    """Return the outcome of checks, each given by its id and resource."""
    results = {
        f"{how}_checks": [
            {"check_id": check, "check_name": "a check", "resource": resource, "guideline": None}
            for check, resource in checks.items()
        ]
        for how, checks in (("passed", passed), ("failed", failed))
    }
    return outcome(stack, json.dumps({"check_type": "kubernetes", "results": results}))


def test_a_failed_check_is_reported() -> None:
    result = found("dev", passed={}, failed={"CKV_K8S_16": POSTGRESQL})
    assert [check.check_id for check in result.failed] == ["CKV_K8S_16"]
    assert list(result.lines()) == [
        "checkov, dev: 0 passed, 1 failed, 0 excepted",
        f"  failed: CKV_K8S_16 {POSTGRESQL}: a check",
    ]


def test_an_exception_covers_only_its_resources() -> None:
    assert not found("dev", passed={}, failed={"CKV_K8S_40": POSTGRESQL}).failed
    assert found("dev", passed={}, failed={"CKV_K8S_40": "Deployment.data-ingestion.new"}).failed


def test_an_exception_covers_only_its_stacks() -> None:
    assert found("staging", passed={}, failed={"CKV_K8S_40": POSTGRESQL}).failed


def test_an_exception_for_a_check_that_passes_is_reported() -> None:
    result = found("dev", passed={"CKV_K8S_40": POSTGRESQL}, failed={})
    assert [check.check_id for check in result.unneeded] == ["CKV_K8S_40"]
    assert "passes now" in list(result.lines())[1]


def test_a_text_that_is_not_a_report_is_refused() -> None:
    with pytest.raises(ValueError, match="results"):
        outcome("dev", '{"passed": 0}')
