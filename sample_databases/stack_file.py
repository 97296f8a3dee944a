"""The sample databases as sources of a stack file."""

from typing import Any

import yaml

from clients.stack import StackError, run_pulumi
from sample_databases import shop, tpch
from sample_databases.server import SampleServer


def tables(name: str) -> dict[str, dict[str, object]]:
    """Return the tables of a sample database with their options."""
    if name == "shop":
        return shop.TABLES
    return {
        f"public.{table}": {"partitions": tpch.PARTITIONS.get(table, 1)} for table in tpch.TABLES
    }


def section(server: SampleServer) -> dict[str, Any]:
    """Return the server's entry of datapipe:sources, without the account's password."""
    described = server.description
    return {
        "host": described.host,
        "port": described.port,
        "database": described.database,
        "caCertificate": described.ca_certificate,
        "tables": tables(described.database),
    }


def text(chosen: list[SampleServer]) -> str:
    """Return the section for a stack file, as YAML."""
    entries = {server.description.name: section(server) for server in chosen}
    shown: str = yaml.dump(
        {"datapipe:sources": entries}, Dumper=_BlockText, sort_keys=False, allow_unicode=True
    )
    return "".join(f"  {line}\n" for line in shown.splitlines())


def write(stack: str, chosen: list[SampleServer]) -> None:
    """Write the entries into the stack's file, with the passwords as secrets.

    Raises StackError if pulumi refuses.
    """
    plain, secret = [], []
    for server in chosen:
        name = server.description.name
        prefix = f"datapipe:sources.{name}"
        secret.append(f"{prefix}.password={server.description.account_password}")
        for path, value in _leaves(section(server)):
            plain.append(f"{prefix}.{path}={value}")
    words = [word for each in plain for word in ("--plaintext", each)]
    words += [word for each in secret for word in ("--secret", each)]
    done = run_pulumi(stack, "config", "set-all", "--path", *words)
    if done.returncode != 0:
        raise StackError(f"can't write Pulumi.{stack}.yaml: {done.stderr.strip()}")


def remove(stack: str, name: str) -> None:
    """Remove a database's entry from the stack's file.

    Raises StackError if pulumi refuses, such as after the state was removed with the sandbox.
    """
    done = run_pulumi(stack, "config", "rm", "--path", f"datapipe:sources.{name}")
    if done.returncode != 0:
        raise StackError(
            f"{name} is removed, and datapipe:sources in Pulumi.{stack}.yaml still names it; take"
            f" its lines out of the file. pulumi did not: {done.stderr.strip()}"
        )


def _leaves(value: Any, path: str = "") -> list[tuple[str, object]]:
    """Return the values of nested sections and lists with their paths, as pulumi writes them."""
    if isinstance(value, dict):
        return [
            leaf
            for key, inner in value.items()
            for leaf in _leaves(inner, f'{path}["{key}"]' if "." in key else f"{path}.{key}")
        ]
    if isinstance(value, list):
        return [
            leaf for index, inner in enumerate(value) for leaf in _leaves(inner, f"{path}[{index}]")
        ]
    return [(path.removeprefix("."), value)]


class _BlockText(yaml.SafeDumper):
    """Writes text of several lines as a block."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_BlockText.add_representer(str, _text)
