"""Errors of the database connection say what to do and show no password."""

import pytest

from clients import database
from clients.stack import StackError, StackOutputs, parse_outputs
from tests.clients.stack_outputs import MANAGED, outputs_with


def outputs(**changed: object) -> StackOutputs:
    """Return a stack's outputs with another database."""
    return parse_outputs("sandbox", outputs_with(database={**MANAGED["database"], **changed}))


def test_a_stack_without_node_ports_is_not_reachable() -> None:
    with (
        pytest.raises(StackError, match=r"no node port.*cluster\.nodePorts is null"),
        database.connect(outputs(port=None)),
    ):
        pass


def test_an_unreachable_database_is_named_and_no_password_is() -> None:
    with (
        pytest.raises(StackError, match=r"can't connect to PostgreSQL at 127\.0\.0\.1:1") as raised,
        database.connect(outputs(host="127.0.0.1", port=1)),
    ):
        pass
    assert "s3cret" not in str(raised.value)
