"""`datapipe sample-databases`: what it writes, and what it refuses."""

import argparse
import subprocess

import pytest
import yaml

from clients.stack import StackError
from sample_databases import commands, shop, stack_file, tpch
from sample_databases.configuration import Description
from sample_databases.server import SampleServer
from tools.errors import UserError

DESCRIPTION = Description(
    name="shop",
    version=13,
    port=15413,
    database="shop",
    host="10.231.0.1",
    networks=(),
    password="of the administrator",
    account_password="of the account",
    ca_certificate="-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n",
)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> SampleServer:
    return SampleServer(tmp_path_factory.mktemp("samples"), DESCRIPTION)


def test_the_printed_section_is_what_a_stack_file_takes_without_the_password(
    server: SampleServer,
) -> None:
    shown = stack_file.text([server])
    entry = yaml.safe_load(shown)["datapipe:sources"]["shop"]
    assert entry == stack_file.section(server)
    assert list(entry["tables"]) == list(shop.TABLES)
    assert "of the account" not in shown


def test_the_paths_for_pulumi_quote_names_with_dots(server: SampleServer) -> None:
    leaves = dict(stack_file._leaves(stack_file.section(server)))
    assert leaves['tables["public.products"].excludedColumns[0]'] == "gross"
    assert leaves["port"] == 15413


def test_a_server_that_exists_otherwise_than_asked_is_refused(server: SampleServer) -> None:
    asked = {"version": None, "port": None, "host": None, "scale_factor": None}
    commands._require_as_asked(server, argparse.Namespace(**asked))
    with pytest.raises(UserError, match="shop exists with version 13 instead of 16; remove it"):
        commands._require_as_asked(server, argparse.Namespace(**asked | {"version": 16}))


def test_another_stack_than_the_sandbox_needs_the_host() -> None:
    asked = argparse.Namespace(stack="dev", version=None, host=None)
    with pytest.raises(UserError, match="--host is required for the stack dev"):
        commands._create("shop", asked)


def test_every_table_of_tpch_is_captured() -> None:
    assert [f"public.{table}" for table in tpch.TABLES] == list(stack_file.tables("tpch"))


def test_an_entry_that_pulumi_can_not_remove_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = subprocess.CompletedProcess([], 255, "", "error: no such file or directory")
    monkeypatch.setattr(stack_file, "run_pulumi", lambda *_: refused)
    with pytest.raises(StackError, match=r"Pulumi.sandbox.yaml still names it; take its lines out"):
        stack_file.remove("sandbox", "tpch")
