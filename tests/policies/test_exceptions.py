"""An exception exempts one resource until its last day; afterwards it is itself a violation."""

from datetime import date
from typing import Any

import pytest

from policies.exceptions import parse_exceptions
from tests.policies.samples import TODAY, messages, topic

LONELY = topic("lonely", replicas=1, retention_ms="60000")


def exception(expires: date = TODAY, resource: str = "kafka:index/topic:Topic::lonely") -> Any:
    return {"resource": resource, "reason": "test data only", "expires": str(expires)}


def found(*exceptions: Any) -> list[str]:
    return messages("kafka-topics", [LONELY], {"exceptions": list(exceptions)})


def test_it_exempts_its_resource_up_to_and_on_its_last_day() -> None:
    assert len(found()) == 1
    assert found(exception(expires=TODAY)) == []


def test_it_exempts_no_other_resource() -> None:
    assert len(found(exception(resource="kafka:index/topic:Topic::other"))) == 1


def test_an_expired_one_is_a_violation_in_addition_to_the_one_it_exempted() -> None:
    expired, violation = found(exception(expires=date(2026, 2, 28)))

    assert "expired on 2026-02-28 (reason: test data only)" in expired
    assert "replicationFactor is 1" in violation


def test_a_stack_policy_reports_an_expired_one_whose_resource_is_gone() -> None:
    given = {"exceptions": [exception(expires=date(2026, 2, 28))]}

    [message] = messages("memory-budget", [], given)

    assert "remove it, or give it a new reason and date" in message


def test_a_date_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="day is out of range"):
        parse_exceptions([{**exception(), "expires": "2026-02-30"}])
