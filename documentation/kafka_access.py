"""The table of the rights of Kafka's accounts in docs/SECURITY.md, for the prod stack."""

from itertools import groupby
from pathlib import Path

import yaml

from components.config import parse
from components.streaming.access.grants import Grant, grants
from components.streaming.accounts import access_arguments
from components.streaming.sinks.declared import declared_sinks
from components.streaming.topics import TopicsArgs

ROOT = Path(__file__).parents[1]
STACK_FILE = ROOT / "Pulumi.prod.yaml"


def table() -> str:
    """Return a line for each account and operations, with what they are allowed on."""
    given = yaml.safe_load(STACK_FILE.read_text())["config"]
    config = parse(
        {key.removeprefix("datapipe:"): value for key, value in given.items()}, STACK_FILE.name
    )
    sinks = declared_sinks(config)
    found = grants(access_arguments(config, sinks, TopicsArgs.from_config(config, sinks)))
    rows = ["| account | may | on |", "| --- | --- | --- |"]
    for (account, operations), group in groupby(sorted(found, key=_order), key=_order):
        names = "; ".join(_name(grant) for grant in group)
        rows.append(f"| `{account}` | {operations} | {names} |")
    return "\n".join(rows)


def _order(grant: Grant) -> tuple[str, str]:
    return grant.account.value, f"{grant.kind}: {', '.join(grant.operations)}"


def _name(grant: Grant) -> str:
    return f"`{grant.name}*`" if grant.prefixed else f"`{grant.name}`"
