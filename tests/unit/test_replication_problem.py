"""Why a connection that replicates is refused: what PostgreSQL said, and what mends that."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from components.source.existing.problem import Problem, UnreachableError
from components.source.existing.reach import replication_problem

RIGHT, SENDER = "may not replicate", "no free WAL sender is left"


class Refusing:
    """A way on which the login is refused."""

    class source:  # noqa: N801  the attribute of a Way
        user = "datapipe"
        provider = "postgresql"
        version = None

    def __init__(self, reason: str) -> None:
        self.reason = reason

    @contextmanager
    def login(self, **options: str) -> Iterator[None]:
        assert options == {"replication": "database"}
        raise UnreachableError(Problem(self.reason, "what mends it"))
        yield


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("login: must be superuser or replication role to start walsender", RIGHT),
        ("login: permission denied to start WAL sender", RIGHT),
        ("login: number of requested standby connections exceeds max_wal_senders", SENDER),
    ],
)
def test_the_right_and_the_senders_are_known(
    monkeypatch: pytest.MonkeyPatch, said: str, expected: str
) -> None:
    for name in ("replication_right", "setting"):
        monkeypatch.setattr(f"components.source.existing.reach.{name}", lambda *_, **__: "do it")
    way: Any = Refusing(said)
    problem = replication_problem(way)
    assert problem is not None
    assert expected in problem.reason
    assert said in problem.reason
    assert problem.remedy == "do it"


@pytest.mark.parametrize(
    "said",
    [
        'pg_hba.conf: no pg_hba.conf entry for host "10.0.0.1", user "datapipe"',
        "connections: sorry, too many clients already",
        "server: the database system is shutting down",
        "login: connection timeout expired",
        "password: password authentication failed for user datapipe",
    ],
)
def test_another_refusal_is_what_postgresql_said(said: str) -> None:
    way: Any = Refusing(said)
    problem = replication_problem(way)
    assert problem == Problem(f"a connection that replicates is refused: {said}", "what mends it")
