"""The table of allowed connections in docs/SECURITY.md, made from what the dev stack registers."""

from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import yaml

from components.config import parse
from policies import network_table
from policies.resource import Resource
from tests.unit.streaming_stack import deploy_stack

ROOT = Path(__file__).parents[1]
STACK_FILE = ROOT / "Pulumi.dev.yaml"


def table() -> str:
    """Return the policy pack's table for the dev stack, declared without an engine."""
    given = yaml.safe_load(STACK_FILE.read_text())["config"]
    values = {key.removeprefix("datapipe:"): value for key, value in given.items()}
    # The stack's warnings (archives without a digest) are not about the documents.
    with redirect_stderr(StringIO()):
        registered = deploy_stack(parse(values, STACK_FILE.name)).resources
    return network_table.table(
        [Resource(each.type, each.name, each.inputs, each.name) for each in registered]
    )
