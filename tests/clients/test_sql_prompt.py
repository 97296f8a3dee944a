"""The prompt and the printed results of SQL over an archive."""

import csv
import io
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from clients.described_tables import DescribedTable
from clients.sql import commands, prompt
from clients.sql.commands import parse_time
from clients.sql.output import SHOWN_ROWS, Format, print_query
from clients.sql.session import Session
from clients.stack import StackError
from tests.archive_views.memory_files import change, in_memory, session

PROJECT = Path(__file__).parents[2]
CHANGES = [
    change("c", 1, {"id": 1, "v": "[bold]a[/bold]"}),
    change("c", 2, {"id": 2, "v": None}),
]


@pytest.fixture
def opened() -> Iterator[Session]:
    files = in_memory(CHANGES, {"id": pa.int32(), "v": pa.string()})
    table = DescribedTable(("id",), (("id", "integer"), ("v", "text")))
    with session({"public.t": files}, {"public.t": table}) as made:
        yield made


def printed(
    opened: Session, text: str, form: Format, capfdbinary: pytest.CaptureFixture[bytes]
) -> bytes:
    print_query(opened.connection, text, form, Console(width=100))
    return capfdbinary.readouterr().out


class TestFormats:
    QUERY = "SELECT * FROM t ORDER BY id"

    def test_a_table_has_the_values_as_they_are(
        self, opened: Session, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        lines = printed(opened, self.QUERY, Format.TABLE, capfdbinary).decode().splitlines()
        assert [line.split() for line in lines] == [
            ["id", "v"],
            ["1", "[bold]a[/bold]"],
            ["2", "NULL"],
        ]

    def test_a_long_table_is_cut_and_says_so(
        self, opened: Session, capsys: pytest.CaptureFixture[str]
    ) -> None:
        query = "SELECT range AS n FROM range(1001)"
        print_query(opened.connection, query, Format.TABLE, Console(width=100))
        result = capsys.readouterr()
        assert len(result.out.splitlines()) == SHOWN_ROWS + 1
        assert "the first 1,000 rows" in result.err

    def test_csv(self, opened: Session, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        text = printed(opened, f"{self.QUERY} -- all;\n;", Format.CSV, capfdbinary).decode()
        assert list(csv.reader(io.StringIO(text)))[1] == ["1", "[bold]a[/bold]"]

    def test_json(self, opened: Session, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        assert json.loads(printed(opened, self.QUERY, Format.JSON, capfdbinary))[1] == {
            "id": 2,
            "v": None,
        }

    def test_parquet(self, opened: Session, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        content = printed(opened, self.QUERY, Format.PARQUET, capfdbinary)
        assert pq.read_table(io.BytesIO(content)).num_rows == 2

    def test_of_several_statements_the_last_one_is_printed(
        self, opened: Session, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        text = "CREATE TABLE mine AS FROM t; SELECT count(*) AS n FROM mine"
        assert printed(opened, text, Format.CSV, capfdbinary) == b"n\n2\n"

    @pytest.mark.parametrize("text", ["", " ; ", "-- nothing"])
    def test_an_empty_query_is_refused(self, opened: Session, text: str) -> None:
        with pytest.raises(StackError, match="the query is empty"):
            print_query(opened.connection, text, Format.TABLE, Console())


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("SELECT 1;\n", True),
        ("SELECT 1; -- done\n", True),
        ("SELECT 'ü';", True),
        ("SELECT 1\n", False),
        ("SELECT ';", False),
        ('SELECT ";', False),
        ("SELECT $$;", False),
        ("SELECT /* ;", False),
        ("SELECT 1 -- ;", False),
        ("SELECT 1 +", False),
    ],
)
def test_a_statement_ends_with_its_semicolon(text: str, complete: bool) -> None:
    assert prompt.is_complete(text) is complete


def test_an_error_does_not_end_the_prompt(
    opened: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "SELECT nothing;\nFROM missing;\n\nSELECT\n  count(*) AS n\nFROM t;\n.views\nSELECT 7"
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    prompt.run_prompt(opened, Console(width=100))
    result = capsys.readouterr()
    assert [line.strip() for line in result.out.splitlines()] == ["n", "2", "7", "7"]
    assert result.err.count("error: ") == 2
    assert "Traceback" not in result.err
    assert '"public"."t_changes"' in result.err


PROGRAM = """
import fcntl, signal, termios
import pyarrow as pa
from clients.sql import prompt
from clients.console import console
from clients.described_tables import DescribedTable
from tests.archive_views.memory_files import change, in_memory, session
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # its session has this terminal
# A shell that starts the tests in the background has them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
files = in_memory([change("c", 1, {"id": 1})], {"id": pa.int32()})
with session({"public.t": files}, {"public.t": DescribedTable(("id",), ())}) as opened:
    prompt.run_prompt(opened, console())
"""


def test_ctrl_c_stops_the_query_and_not_the_prompt(tmp_path: Path) -> None:
    """On a terminal, where the kernel sends the signal to the whole foreground group."""
    terminal, its_end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=PROJECT,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        start_new_session=True,
    ) as program:
        os.close(its_end)
        try:
            wait_for(terminal, "sql> ")
            os.write(terminal, b"SELECT sum(a.range * b.range)\n")
            os.write(terminal, b"FROM range(10000000) a, range(1000000) b;\n")
            wait_for(terminal, "b;")
            time.sleep(1)
            os.write(terminal, b"\x03")
            wait_for(terminal, "stopped(?s:.*)sql> ")
            os.write(terminal, b"SELECT 40 + 2 AS answer;\n")
            assert "42" in wait_for(terminal, "1 row(?s:.*)sql> ")
            os.write(terminal, b"\x04")
            assert program.wait(40) == 0
        finally:
            program.kill()
            os.close(terminal)
    assert "40 + 2" in (tmp_path / "datapipe/sql_history").read_text()


def wait_for(terminal: int, pattern: str, seconds: float = 60) -> str:
    """Return what a terminal shows until that has a pattern."""
    seen, end = "", time.monotonic() + seconds
    while not re.search(pattern, seen):
        readable, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        assert readable, seen
        seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


def test_a_time_without_offset_is_in_utc() -> None:
    assert parse_time("2026-11-27 10:00").isoformat() == "2026-11-27T10:00:00+00:00"
    assert parse_time("2026-11-27T10:00+02:00").isoformat() == "2026-11-27T10:00:00+02:00"
    with pytest.raises(ValueError, match="'yesterday' is not a valid time; write for example"):
        parse_time("yesterday")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "xml"], "'xml' is not allowed; allowed: table, csv, json, parquet"),
        (["--types", "java"], "'java' is not allowed; allowed: postgresql, archived"),
        (["--at", "yesterday"], "'yesterday' is not a valid time; write for example"),
    ],
)
def test_wrong_options_are_named(arguments: list[str], message: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "command_line", "sql", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert message in " ".join(ran.stderr.replace("│", " ").split())


def test_outputs_of_a_stack_that_is_gone_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "outputs.json"
    with pytest.raises(StackError, match=r"--outputs .*outputs\.json can't be read"):
        commands.sql("prod", "SELECT 1", saved_outputs=file)
    file.write_text('{"namespace": "x"}')
    with pytest.raises(StackError, match="stack prod lacks valid outputs"):
        commands.sql("prod", "SELECT 1", saved_outputs=file)


def test_make_passes_sql_as_it_is(tmp_path: Path) -> None:
    """Quotes and dollar signs are the query's, not make's or the shell's."""
    program = tmp_path / "bin/datapipe"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    text = """SELECT '$5' AS "a b", $$x$$ FROM t -- `id`"""
    ran = subprocess.run(
        [
            "make",
            "--no-print-directory",
            "-f",
            PROJECT / "Makefile",
            "sql",
            f"Q={text}",
            "AT=2026-11-27 10:00",
            "SOURCE=shop",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    at = ["--at", "2026-11-27 10:00"]
    assert ran.stdout.splitlines() == ["sql", "--query", text, "--source", "shop", *at]


def test_a_failing_query_is_an_error_of_duckdb(opened: Session) -> None:
    with pytest.raises(duckdb.Error, match="nothing"):
        prompt.run_query(opened, "SELECT nothing", Format.TABLE, Console())
