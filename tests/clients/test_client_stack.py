"""A client reads the stack's outputs, or reports what to do."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from clients.stack import StackError, parse_outputs, read_managed, read_outputs
from tests.clients.stack_outputs import MANAGED, OUTPUTS, SHOP, TWO_SOURCES, outputs_with


def test_outputs_are_typed() -> None:
    outputs = parse_outputs("sandbox", OUTPUTS)
    assert outputs.tables == ("public.users",)
    assert outputs.database.port == 30432
    assert outputs.archive.catalog_database == "cdc"
    assert outputs.source == "postgres"


def test_the_managed_database_comes_first() -> None:
    outputs = parse_outputs("sandbox", {**TWO_SOURCES, "sources": {"a": SHOP, "postgres": MANAGED}})
    assert [each.source for each in outputs.each()] == ["postgres", "a"]
    assert (outputs.source, outputs.managed) == ("postgres", True)


def test_another_database_of_the_stack_has_its_own_archive_and_credentials() -> None:
    shop = parse_outputs("sandbox", TWO_SOURCES).of("shop")
    assert (shop.source, shop.managed) == ("shop", False)
    assert shop.topics == ("shop.public.users", "shop.sales.orders")
    assert shop.archive.iceberg_table("sales.orders") == ("cdc_shop", "sales_orders")
    assert shop.archive.iceberg_table("public.new") == ("cdc_shop", "new")
    assert shop.database.ssl_mode == "verify-ca"
    assert shop.database_password.get_secret_value() == "h1dden"
    assert (shop.namespace, shop.archive.bucket) == ("data-ingestion", "datapipe-ingestion-sandbox")
    assert shop.of("postgres") == parse_outputs("sandbox", TWO_SOURCES)


def test_a_change_of_the_whole_stack_holds_for_each_database() -> None:
    changed = parse_outputs("sandbox", TWO_SOURCES).model_copy(update={"context": "kind-other"})
    assert [each.context for each in changed.each()] == ["kind-other"] * 2


def test_an_unknown_database_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(StackError, match="no database 'store'; allowed: postgres, shop"):
        parse_outputs("sandbox", TWO_SOURCES).of("store")


@pytest.mark.parametrize("sources", [None, {}, {"shop": {**SHOP, "database": {"host": "h"}}}])
def test_a_deployment_of_another_version_is_told_to_run_make_up(
    sources: dict[str, object] | None,
) -> None:
    old = {name: value for name, value in OUTPUTS.items() if name != "sources"}
    given = old if sources is None else {**old, "sources": sources}
    with pytest.raises(StackError, match=r"outputs sources.* Run make up STACK=sandbox"):
        parse_outputs("sandbox", given)


def test_the_password_is_not_shown_by_accident() -> None:
    outputs = parse_outputs("sandbox", TWO_SOURCES)
    assert "s3cret" not in f"{outputs!r} {outputs}"
    assert "h1dden" not in f"{outputs!r} {outputs.of('shop')!r}"
    assert outputs.database_password.get_secret_value() == "s3cret"


def test_a_stack_without_outputs_is_not_deployed() -> None:
    with pytest.raises(StackError, match="not deployed; run make up STACK=sandbox"):
        parse_outputs("sandbox", {})


def test_only_the_managed_database_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    outputs = tmp_path / "outputs.json"
    _pulumi(tmp_path, f"exec cat {outputs}")
    outputs.write_text(json.dumps(TWO_SOURCES))
    assert read_managed("sandbox").source == "postgres"
    outputs.write_text(json.dumps(outputs_with(SHOP)))
    assert read_outputs("sandbox").source == "shop"
    message = "in the managed database, but stack sandbox has none: it captures shop. List public"
    with pytest.raises(StackError, match=message):
        read_managed("sandbox")


@pytest.mark.parametrize("program", ["demo.__main__", "bench.__main__", "bench.growth"])
def test_a_program_that_changes_rows_says_that_it_needs_the_managed_database(
    program: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "outputs.json").write_text(json.dumps(outputs_with(SHOP)))
    _pulumi(tmp_path, f"exec cat {tmp_path}/outputs.json")
    monkeypatch.setattr(sys, "argv", ["datapipe", "--stack", "sandbox"])
    assert importlib.import_module(program).main() == 1
    assert "stack sandbox has none: it captures shop" in capsys.readouterr().err


def test_an_unfinished_deployment_names_the_missing_output() -> None:
    partial = {name: value for name, value in OUTPUTS.items() if name != "archive"}
    with pytest.raises(StackError, match=r"archive.*did not finish"):
        parse_outputs("sandbox", partial)


def test_an_unknown_stack_shows_pulumis_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pulumi(tmp_path, "echo 'error: no stack named sandbox found' >&2; exit 255")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(StackError, match="run make up STACK=sandbox first: error: no stack named"):
        read_outputs("sandbox")


def test_without_pulumi_the_message_names_make_env(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="make env"):
        read_outputs("sandbox")


def _pulumi(folder: Path, script: str) -> None:
    program = folder / "pulumi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
