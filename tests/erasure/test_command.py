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
from erasure import command, elsewhere, source
from erasure.key import Key
from tests.clients.stack_outputs import outputs_with

BUCKET = "datapipe-erase-command"
NAME = "topics/postgres.public.users/year=2026/users+0+0000000000.parquet"


@contextmanager
def no_database(_outputs: StackOutputs) -> Iterator[None]:
    yield None


class Stack:
    """A stack with plain files and one row of key 2, as the command sees it."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        self.has_row = False

    def ids(self) -> list[int]:
        body = self.s3.get_object(Bucket=BUCKET, Key=NAME)["Body"].read()
        found: list[int] = pq.read_table(pa.BufferReader(body))["id"].to_pylist()
        return found

    def audits(self) -> list[dict[str, Any]]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="topics/erasures/")
        return [
            json.loads(self.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read())
            for item in listed.get("Contents", [])
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
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": [1, 2]}), sink)
    s3.put_object(Bucket=BUCKET, Key=NAME, Body=sink.getvalue().to_pybytes())
    given = outputs_with(
        archive={"bucket": BUCKET, "sink": "confluent-s3", "endpoint": endpoint},
        archived={"public.users": "topics/postgres.public.users"},
        keys={"public.users": ["id"]},
        columns={"public.users": [["id", "integer"]]},
    )
    outputs = parse_outputs("dev", given)
    found = Stack(s3)
    monkeypatch.setattr(command, "read_outputs", lambda _: outputs)
    monkeypatch.setattr(database, "connect", no_database)
    monkeypatch.setattr(
        command,
        "archived_key",
        lambda _c, _o, table, given: Key(table, given, {"id": "integer"}, {"id": int(given["id"])}),
    )
    monkeypatch.setattr(source, "has_row", lambda *_: found.has_row)
    monkeypatch.setattr(source, "referring_tables", lambda *_: ["orders (user_id)"])
    monkeypatch.setattr(source, "wait_until_archived", lambda *_: None)
    monkeypatch.setattr(elsewhere, "notes", lambda _o, _t, referring: iter(referring))
    return found


def erase(*, confirmed: bool = True, keep_row: bool = False) -> bool:
    return command.erase("dev", "public.users", "2", confirmed=confirmed, keep_row=keep_row)


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
