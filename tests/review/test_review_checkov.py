"""A failed check counts unless an exception names it for this stack; a needless exception fails."""

import json

import pytest

from review.checkov import Outcome, outcome

POSTGRESQL = "StatefulSet.data-ingestion.postgresql"


def found(stack: str, *, passed: dict[str, str], failed: dict[str, str]) -> Outcome:
    """An outcome of checks by their id, each with the resource that it is about."""
    results = {
        f"{how}_checks": [
            {"check_id": check, "check_name": "a check", "resource": resource, "guideline": None}
            for check, resource in checks.items()
        ]
        for how, checks in (("passed", passed), ("failed", failed))
    }
    return outcome(stack, json.dumps({"check_type": "kubernetes", "results": results}))


def test_a_failed_check_is_told() -> None:
    result = found("dev", passed={}, failed={"CKV_K8S_16": POSTGRESQL})
    assert [check.check_id for check in result.failed] == ["CKV_K8S_16"]
    assert list(result.lines()) == [
        "checkov, dev: 0 passed, 1 failed, 0 excepted",
        f"  failed: CKV_K8S_16 {POSTGRESQL}: a check",
    ]


def test_an_exception_covers_its_resources_alone() -> None:
    assert not found("dev", passed={}, failed={"CKV_K8S_40": POSTGRESQL}).failed
    assert found("dev", passed={}, failed={"CKV_K8S_40": "Deployment.data-ingestion.new"}).failed


def test_an_exception_covers_its_stacks_alone() -> None:
    assert found("staging", passed={}, failed={"CKV_K8S_40": POSTGRESQL}).failed


def test_an_exception_for_what_passes_is_told() -> None:
    result = found("dev", passed={"CKV_K8S_40": POSTGRESQL}, failed={})
    assert [check.check_id for check in result.needless] == ["CKV_K8S_40"]
    assert "passes by now" in list(result.lines())[1]


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(ValueError, match="results"):
        outcome("dev", '{"passed": 0}')
