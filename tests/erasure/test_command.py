"""`datapipe erase`: refused while the row is there, shown first, erased when it is confirmed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clients import database
from clients.stack import StackError, StackOutputs, parse_outputs
from erasure import command, database_rows, elsewhere
from erasure.key import Key
from tests.clients.stack_outputs import SHOP, outputs_with

BUCKET = "datapipe-erase-command"
TABLE = "public.users"
NAME = "topics/postgres.public.users/year=2026/users+0+0000000000.parquet"
SHOPS = "topics/shop.public.users/year=2026/users+0+0000000000.parquet"


@contextmanager
def no_database(_outputs: StackOutputs) -> Iterator[None]:
    yield None


class Stack:
    """A stack with plain files and one row of key 2, as the command sees it."""

    def __init__(self, s3: Any, outputs: dict[str, Any]) -> None:
        self.s3, self.outputs = s3, outputs
        self.has_row = False

    def write(self, name: str) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"id": [1, 2]}), sink)
        self.s3.put_object(Bucket=BUCKET, Key=name, Body=sink.getvalue().to_pybytes())

    def capture_shop(self) -> None:
        """Capture a second database, whose archive has the same rows."""
        managed = self.outputs["sources"]["postgres"]
        described = {name: managed[name] for name in ("tables", "keys", "columns")}
        archived = {TABLE: "topics/shop.public.users"}
        self.outputs["sources"]["shop"] = {**SHOP, **described, "archived": archived}
        self.write(SHOPS)

    def ids(self, name: str = NAME) -> list[int]:
        body = self.s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
        found: list[int] = pq.read_table(pa.BufferReader(body))["id"].to_pylist()
        return found

    def audit_names(self) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="topics/erasures/")
        return [item["Key"] for item in listed.get("Contents", [])]

    def audits(self) -> list[dict[str, Any]]:
        return [
            json.loads(self.s3.get_object(Bucket=BUCKET, Key=name)["Body"].read())
            for name in self.audit_names()
        ]


@pytest.fixture
def stack(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack of which only the archive is real."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    s3.create_bucket(Bucket=BUCKET)
    for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=item["Key"])
    given = outputs_with(
        archive={"bucket": BUCKET, "sink": "confluent-s3", "endpoint": endpoint},
        archived={"public.users": "topics/postgres.public.users"},
        keys={"public.users": ["id"]},
        columns={"public.users": [["id", "integer"]]},
    )
    found = Stack(s3, given)
    found.write(NAME)
    monkeypatch.setattr(command, "read_outputs", lambda _: parse_outputs("dev", found.outputs))
    monkeypatch.setattr(database, "connect", no_database)
    monkeypatch.setattr(
        command,
        "archived_key",
        lambda _c, _o, table, given: Key(table, given, {"id": "integer"}, {"id": int(given["id"])}),
    )
    monkeypatch.setattr(database_rows, "has_row", lambda *_: found.has_row)
    monkeypatch.setattr(database_rows, "referring_tables", lambda *_: ["orders (user_id)"])
    monkeypatch.setattr(database_rows, "wait_until_archived", lambda *_: None)
    monkeypatch.setattr(elsewhere, "notes", lambda _o, _t, referring: iter(referring))
    return found


def erase(
    table: str = TABLE,
    *,
    confirmed: bool = True,
    keep_row: bool = False,
    source: str | None = None,
) -> bool:
    return command.erase("dev", table, "2", confirmed=confirmed, keep_row=keep_row, source=source)


def test_what_is_confirmed_is_erased_and_audited(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert erase()
    assert stack.ids() == [1]
    (audit,) = stack.audits()
    assert (audit["outcome"], audit["erasedRows"], audit["table"]) == ("done", 1, "public.users")
    assert audit["by"].endswith("arn:aws:sts::123456789012:user/moto")
    printed = capsys.readouterr().out
    assert "1 rows erased from present files" in printed
    assert "- orders (user_id)" in printed


def test_without_a_confirmation_nothing_changes(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not erase(confirmed=False)
    assert stack.ids() == [1, 2]
    assert stack.audits() == []
    assert capsys.readouterr().out.endswith("Nothing was changed. Erase it with YES=1\n")


@pytest.mark.parametrize(("answer", "left"), [("2", [1]), ("yes", [1, 2])])
def test_on_a_terminal_the_key_confirms(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, answer: str, left: list[int]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert erase(confirmed=False) == (answer == "2")
    assert stack.ids() == left


def test_a_row_that_is_still_there_is_refused_unless_it_is_to_stay(stack: Stack) -> None:
    stack.has_row = True
    with pytest.raises(StackError, match=r"PostgreSQL still has the row .* --keep-row"):
        erase()
    assert stack.ids() == [1, 2]
    assert erase(keep_row=True)
    assert stack.ids() == [1]


@pytest.mark.parametrize(("table", "source"), [("shop.public.users", None), (TABLE, "shop")])
def test_rows_of_another_database_stay(stack: Stack, table: str, source: str | None) -> None:
    stack.capture_shop()
    with pytest.raises(StackError, match=r"postgres and shop have a table public\.users; choose"):
        erase()
    assert (stack.ids(), stack.ids(SHOPS)) == ([1, 2], [1, 2])
    assert erase(table, source=source)
    assert (stack.ids(), stack.ids(SHOPS)) == ([1, 2], [1])
    (audit,) = stack.audits()
    assert (audit["source"], audit["table"], audit["erasedRows"]) == ("shop", TABLE, 1)
    (name,) = stack.audit_names()
    assert name.startswith("topics/erasures/shop.public.users-")
