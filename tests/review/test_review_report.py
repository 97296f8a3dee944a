"""A review reports violations, always prints the budgets, and knows what is expected."""

from typing import Any

import pytest

from policies.resource import Resource, Unknown
from review.preview import Preview, Verdict
from review.report import SHOWN_CHARACTERS, Review

NO_DIGEST = Verdict("images", "StatefulSet kafka", "Pinned.\ncontainer kafka has no digest", True)
WILDCARD = Verdict("rbac", "Role all", "Named.\nrules[0].verbs has a wildcard", True)
NOT_JUDGED = Verdict(
    "s3-buckets",
    "the stack",
    "can't run policy 's3-buckets' during preview: not judged yet: archive.policy",
    False,
)


def broker(memory: Any = "682Mi") -> Resource:
    limits = {"memory": memory, "cpu": "500m"}
    container = {"name": "kafka", "resources": {"requests": limits, "limits": limits}}
    properties = {
        "metadata": {"name": "kafka"},
        "spec": {"replicas": 3, "template": {"spec": {"containers": [container]}}},
    }
    return Resource("kubernetes:apps/v1:StatefulSet", "kafka", properties)


def review(stack: str, *verdicts: Verdict, changes: str | None = None) -> Review:
    return Review(Preview(stack, [broker()], verdicts), changes)


def test_the_budgets_are_printed_when_nothing_exceeds_them() -> None:
    text = review("dev").markdown()
    assert "**memory-budget**: 2046Mi of 4096Mi" in text
    assert "| StatefulSet kafka | 3 | 682Mi | 682Mi | 2046Mi | 50.0% |" in text
    assert "| headroom |  |  |  | 2050Mi |  |" in text
    assert "**cpu-budget**: 1500m of 4000m" in text


def test_the_budgets_are_those_of_the_stack() -> None:
    assert "of 52224Mi" in review("prod", NO_DIGEST).markdown()


def test_a_workload_of_unknown_size_is_reported_as_not_counted() -> None:
    unclear = Review(Preview("dev", [broker(Unknown("kafka.limits.memory"))], ()))
    assert "Not counted, see above: 1 workloads." in unclear.markdown()


def test_a_violation_fails_the_review_and_is_named() -> None:
    refused = review("dev", WILDCARD)
    assert not refused.passes
    assert "✗ refused" in refused.markdown()
    assert "- `rbac`, Role all: rules[0].verbs has a wildcard" in refused.markdown()


def test_an_expected_violation_passes_with_its_reason() -> None:
    prod = review("prod", NO_DIGEST)
    assert prod.passes
    assert "✓ refused as expected (1 violations)" in prod.markdown()
    assert "expected: Pulumi.prod.yaml is a template" in prod.markdown()


def test_an_expected_violation_excuses_no_other() -> None:
    prod = review("prod", NO_DIGEST, WILDCARD)
    assert not prod.passes
    assert "1 of 2 violations not expected" in prod.markdown()


def test_an_expected_violation_that_is_gone_fails_the_review() -> None:
    prod = review("prod")
    assert not prod.passes
    assert "remove the entry from review/expected.json" in prod.markdown()


def test_a_check_that_was_not_judged_is_reported_and_passes() -> None:
    dev = review("dev", NOT_JUDGED)
    assert dev.passes
    assert "- `s3-buckets`, the stack: not judged yet: archive.policy" in dev.markdown()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ("", "Merging changes no resource of this stack."),
        ("-replicas: 3\n+replicas: 5", "-replicas: 3\n+replicas: 5"),
        ("x" * (SHOWN_CHARACTERS + 7), "… 7 more characters in the full diff"),
    ],
)
def test_what_merging_changes_is_shown(changes: str, text: str) -> None:
    assert text in review("dev", changes=changes).markdown()


def test_without_a_base_no_changes_are_reported() -> None:
    assert "Merging" not in review("dev").markdown()
