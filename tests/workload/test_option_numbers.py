"""A number that a program can't use is refused before the program touches a stack."""

import importlib
import subprocess
from argparse import ArgumentTypeError
from typing import Any

import pytest

from workload.option_numbers import not_negative, positive, whole_number


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "-inf", "", "1e999", "many"])
def test_what_is_not_above_0(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="allowed: a number above 0"):
        positive(text)


@pytest.mark.parametrize("text", ["-0.1", "nan", "inf", "", "many"])
def test_what_is_below_0(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="allowed: 0 or more"):
        not_negative(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "٣", "1_000", "many"])
def test_what_is_not_a_whole_number(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="allowed: a whole number, 1 or more"):
        whole_number(1)(text)


def test_the_others_are_taken() -> None:
    assert (positive("0.5"), not_negative("0"), whole_number(0)("0")) == (0.5, 0.0, 0)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("bench.__main__", ["--rate", "-1"]),
        ("bench.__main__", ["--seconds", "0"]),
        ("bench.__main__", ["--batch", "0"]),
        ("bench.__main__", ["--warm-up", "inf"]),
        ("bench.growth", ["--seconds", "-1"]),
        ("bench.maintenance", ["--rate", "nan"]),
        ("bench.program.__main__", ["--tables", "10", "0"]),
        ("bench.snapshot", ["--rows", "-5"]),
        ("bench.tpch", ["--rate", "0"]),
        ("bench.tuning", ["--rate", "0"]),
        ("bench.workers", ["--stack-file", "any", "--seconds", "0"]),
        ("chaos.__main__", ["--rate", "inf"]),
        ("demo.__main__", ["--changes", "0"]),
        ("sample_databases.commands", ["start", "--scale-factor", "-1"]),
        ("sample_databases.commands", ["load", "--rate", "0"]),
    ],
)
def test_a_program_refuses_it_before_it_does_anything(
    module: str,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("sys.argv", ["program", "--stack", "none", *arguments])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(module).main()
    assert ended.value.code == 2
    assert f"{arguments[-1]!r} is not allowed; allowed: " in capsys.readouterr().err
