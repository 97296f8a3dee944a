"""The budgets' limits come from the stack file, where clients read them, too."""

import json

import pytest

from policies.stack_budget import stack_limit


@pytest.mark.parametrize(
    ("configuration", "limit"),
    [
        ({"datapipe:budget": json.dumps({"memory": "51Gi"})}, "51Gi"),
        ({"datapipe:budget": json.dumps({"cpu": "21"})}, "4096Mi"),
        ({}, "4096Mi"),
    ],
)
def test_a_limit_is_the_stacks_or_the_default(
    monkeypatch: pytest.MonkeyPatch, configuration: dict[str, str], limit: str
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(configuration))
    assert stack_limit("memory", "4096Mi") == limit


def test_without_an_engine_the_default_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG", raising=False)
    assert stack_limit("memory", "4096Mi") == "4096Mi"
