"""Defaults of settings come from the stack file, where the program and clients read them, too."""

import json
import subprocess
import sys

import pytest

from policies.stack_file import existing_databases, stack_value
from tests.policies.engine import ROOT


@pytest.mark.parametrize(
    ("configuration", "limit"),
    [
        ({"datapipe:budget": json.dumps({"memory": "51Gi"})}, "51Gi"),
        ({"datapipe:budget": json.dumps({"cpu": "21"})}, "4096Mi"),
        ({}, "4096Mi"),
    ],
)
def test_a_value_is_the_stacks_or_the_default(
    monkeypatch: pytest.MonkeyPatch, configuration: dict[str, str], limit: str
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(configuration))
    assert stack_value("budget", "memory", "4096Mi") == limit


def test_without_an_engine_the_default_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG", raising=False)
    assert stack_value("budget", "memory", "4096Mi") == "4096Mi"


def test_the_matrix_has_the_node_network_of_the_stack() -> None:
    """The pack reads its settings once, when the engine loads it."""
    cluster = {"nodeNetwork": "172.19.0.0/16"}
    shown = subprocess.run(
        [
            *(sys.executable, "-c"),
            "from policies import network_matrix as matrix;"
            "settings = {name: one['default'] for name, one in matrix.SETTINGS.items()};"
            "print({end.title for end in matrix.ends_of([], settings).addresses"
            " if str(end.first) == '172.19.0.0'})",
        ],
        cwd=ROOT,
        env={"PULUMI_CONFIG": json.dumps({"datapipe:cluster": json.dumps(cluster)})},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.strip() == "{'nodes'}"


def test_the_existing_databases_are_those_of_the_stack_file_without_their_passwords(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = {
        "shop": {"host": "db.example.com", "networks": ["10.20.0.0/24"], "password": "hunter2"},
        "crm": {"host": "10.1.2.3", "port": 6432, "password": "hunter2"},
    }
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"datapipe:sources": json.dumps(sources)}))
    assert existing_databases() == {
        "shop": {"networks": ["10.20.0.0/24"], "port": 5432},
        "crm": {"networks": ["10.1.2.3/32"], "port": 6432},
    }
