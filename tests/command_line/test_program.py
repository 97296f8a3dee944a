"""The command line's contract: what each command gets, its help, its errors and its exit codes."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from clients.dlq import commands as dlq_commands
from clients.dlq.dead_letters import RecordPosition
from clients.recover import slot as slot_module
from clients.recover import tables as tables_module
from clients.recover.slot import Recovered
from clients.stack import StackError, StackOutputs, parse_outputs
from clients.status import report as report_module
from command_line import programs
from command_line.program import main
from tests.clients.stack_outputs import TWO_SOURCES
from verification import commands as verify_commands
from verification.options import Options, Sample

PROJECT = Path(__file__).resolve().parents[2]
COMMANDS = [
    *(("status",), ("env",), ("verify",)),
    *(("dlq",), ("dlq", "list"), ("dlq", "show"), ("dlq", "replay")),
    *(("dlq", "dismiss"), ("dlq", "skip")),
    *(("recover",), ("recover", "slot"), ("recover", "schema")),
    *(("source",), ("source", "sql"), ("source", "doctor")),
]

Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line in this process; return its exit code."""
    monkeypatch.delenv("STACK", raising=False)

    def run_in_process(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["datapipe", *arguments])
        return main()

    return run_in_process


@pytest.mark.parametrize("command", [(), *COMMANDS], ids=" ".join)
def test_every_help_states_the_exit_codes(
    run: Run, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert run(*command, "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Exit codes: 0 " in text
    assert "wrong usage; 130 interrupted." in text
    assert f"Usage: datapipe {' '.join(command)}".strip() in text


def test_the_list_of_commands_is_not_cut_off(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in ((), ("dlq",), ("recover",), ("source",)):
        assert run(*command, "--help") == 0
        assert "..." not in capsys.readouterr().out.partition("Commands:")[2]


def test_the_help_imports_nothing_that_talks_to_the_pipeline() -> None:
    heavy = {"kubernetes", "pyiceberg", "pyarrow", "boto3", "psycopg", "requests"}
    code = "import sys, command_line.program; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert heavy & set(done.stdout.split()) == set()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dlq", "show", "s3-sink-dlq"), "not a valid position; write topic/partition/offset"),
        (("dlq", "skip"), "Missing argument"),
        (("dlq", "list", "--limit", "0"), "greater than or equal to 1"),
        (("statsu",), "No such command 'statsu'"),
        (("status", "--verbose"), "No such option"),
    ],
)
def test_wrong_usage_exits_2_and_names_the_mistake(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "error", [StackError("run make up first"), KafkaException("no broker answers")]
)
def test_an_error_that_the_user_can_act_on_is_one_line(
    run: Run,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def fail(_stack: str) -> bool:
        raise error

    monkeypatch.setattr(report_module, "report", fail)
    assert run("status") == 1
    assert capsys.readouterr().err == f"datapipe: {error}\n"


def test_a_bug_is_not_reported_as_an_error_of_the_user(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_stack: str) -> bool:
        raise KeyError("a bug")

    monkeypatch.setattr(report_module, "report", fail)
    with pytest.raises(KeyError):
        run("status")


def test_an_interrupted_command_exits_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_stack: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(report_module, "report", interrupt)
    assert run("status") == 130


@pytest.mark.parametrize(("healthy", "code"), [(True, 0), (False, 1)])
def test_the_status_is_the_exit_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, healthy: bool, code: int
) -> None:
    monkeypatch.setattr(report_module, "report", lambda _stack: healthy)
    assert run("status") == code


def test_the_stack_is_the_option_the_variable_or_the_sandbox(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def report(stack: str) -> bool:
        asked.append(stack)
        return True

    monkeypatch.setattr(report_module, "report", report)
    run("status")
    monkeypatch.setenv("STACK", "dev")
    run("status")
    run("--stack", "prod", "status")
    assert asked == ["sandbox", "dev", "prod"]


POSITION = RecordPosition("postgres.public.users", 4, 17)


@pytest.mark.parametrize(
    ("arguments", "function", "given"),
    [
        (
            ("list", "--topic", "t", "--all", "--limit", "3", "--source", "shop"),
            "list_letters",
            (("prod", "t"), {"include_done": True, "limit": 3, "source": "shop"}),
        ),
        (
            ("list",),
            "list_letters",
            (("prod", None), {"include_done": False, "limit": 50, "source": None}),
        ),
        (("show", str(POSITION)), "show", (("prod", POSITION), {})),
        (("replay", "--dry-run"), "replay", (("prod", None), {"dry_run": True})),
        (("replay",), "replay", (("prod", None), {"dry_run": False})),
        (("dismiss", "--topic", "t"), "dismiss", (("prod", "t"), {})),
        (
            ("skip", str(POSITION), "t/0/1"),
            "skip",
            (("prod", [POSITION, RecordPosition("t", 0, 1)]), {}),
        ),
    ],
)
def test_each_command_of_dlq_gets_its_arguments(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    function: str,
    given: tuple[object, object],
) -> None:
    calls: list[tuple[object, object]] = []
    monkeypatch.setattr(
        dlq_commands, function, lambda *positional, **named: calls.append((positional, named))
    )
    assert run("--stack", "prod", "dlq", *arguments) == 0
    assert calls == [given]


def test_verify_gets_its_options(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []

    def compare(stack: str, tables: list[str], options: Options, **named: object) -> int:
        calls.append((stack, tables, options, named["source"]))
        return len(calls) - 1

    monkeypatch.setattr(verify_commands, "verify", compare)
    assert run("verify") == 0
    assert run("verify", "--table", "public.users", "--sample", "5%", "--since", "1970-01-02") == 1
    assert calls[0] == ("sandbox", [], Options(), None)
    assert calls[1] == (
        "sandbox",
        ["public.users"],
        Options(sample=Sample(share=0.05), since=86_400_000),
        None,
    )
    assert run("verify", "--source", "shop") == 2
    assert calls[2][3] == "shop"


def test_a_verify_that_could_not_compare_exits_2(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise StackError("stack sandbox is not deployed")

    monkeypatch.setattr(verify_commands, "verify", fail)
    assert run("verify") == 2
    assert capsys.readouterr().err.endswith("datapipe: stack sandbox is not deployed\n")
    assert run("verify", "--sample", "many") == 2
    assert "'many' is not a valid sample" in capsys.readouterr().err


def test_recover_slot_says_that_no_action_is_needed(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = parse_outputs("sandbox", TWO_SOURCES)
    asked: list[str] = []

    def recover(own: StackOutputs, _log: object) -> list[Recovered]:
        asked.append(own.source)
        return []

    monkeypatch.setattr("clients.stack.read_outputs", lambda _: outputs)
    monkeypatch.setattr(slot_module, "recover_slots", recover)
    assert run("recover", "slot") == 0
    assert run("recover", "slot", "--source", "shop") == 0
    assert asked == ["postgres", "shop", "shop"]
    assert "no action needed" in capsys.readouterr().out


def test_recover_goes_on_with_the_other_databases(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = parse_outputs("sandbox", TWO_SOURCES)
    recovered: list[str] = []

    def recover(own: StackOutputs, _log: object) -> list[Recovered]:
        if own.source == "postgres":
            raise StackError("can't connect")
        recovered.append(own.source)
        return [Recovered(own.connectors[0], own.slots[0], 4711, snapshot_finished=True)]

    def tables(_stack: str, sources: list[StackOutputs], *_: object) -> list[str]:
        recovered.extend(f"tables of {own.source}" for own in sources)
        return []

    monkeypatch.setattr("clients.stack.read_outputs", lambda _: outputs)
    monkeypatch.setattr(slot_module, "recover_slots", recover)
    monkeypatch.setattr(tables_module, "recover_tables", tables)
    assert run("recover", "all") == 1
    assert recovered == ["shop", "tables of postgres", "tables of shop"]
    printed = capsys.readouterr()
    assert "recreated the slot datapipe_shop" in printed.out
    assert printed.err.endswith("the others are finished:\n  postgres: can't connect\n")


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_a_programs_options_are_its_own(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, command: started.append(command))
    run("--stack", "dev", name, "--help", "--rate", "8000", "x")
    module, _ = programs.PROGRAMS[name]
    options = ["--stack", "dev", "--help", "--rate", "8000", "x"]
    assert started == [[sys.executable, "-m", module, *options]]
    folder = PROJECT / module.replace(".", "/")
    assert (folder / "__main__.py").is_file() or folder.with_suffix(".py").is_file()


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_a_programs_help_states_the_exit_codes_too(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, _ = programs.PROGRAMS[name]
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__")
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith(f"usage: datapipe {name} ")
    assert text.endswith("2 wrong usage; 130 interrupted.")


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("datapipe d", {"dlq", "demo"}),
        ("datapipe dlq s", {"show", "skip"}),
        ("datapipe --stack s", {"sandbox"}),
    ],
)
def test_the_shell_completes(words: str, completed: set[str]) -> None:
    environment = {
        **os.environ,
        "_DATAPIPE_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "command_line"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == completed
