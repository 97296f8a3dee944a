"""The outputs of a stack that is gone, from a file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clients.stack import StackError, StackOutputs, parse_outputs

# The topic prefix of the managed database.
MANAGED = "postgres"
# Outputs of a stack as a whole, before a stack could capture several databases.
OF_ONE_DATABASE = (
    "tables",
    "excludedColumns",
    "keys",
    "columns",
    "capturedEntries",
    "topicPrefix",
    "database",
    "databasePassword",
)


def read_saved(stack: str, file: Path) -> StackOutputs:
    """Return outputs that `pulumi stack output --json` printed, of this version or an earlier one.

    Raises StackError if the file can't be read or lacks some.
    """
    try:
        outputs = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise StackError(f"--outputs {file} can't be read: {error}") from None
    if not isinstance(outputs, dict):
        raise StackError(f"--outputs {file} has no outputs of a stack")
    return parse_outputs(stack, outputs if "sources" in outputs else _by_source(outputs))


def _by_source(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of an earlier version as this one has them."""
    archive = outputs.get("archive", {})
    name = outputs.get("topicPrefix", MANAGED)
    source = {key: outputs[key] for key in OF_ONE_DATABASE if key in outputs}
    source |= {
        "managed": name == MANAGED,
        "objectNames": "short",
        "catalogDatabase": archive.get("catalogDatabase"),
        "archived": archive.get("tables"),
        # Nothing in the cluster is asked for any more.
        "connectors": [],
        "slots": [],
        "publication": "",
    }
    return {**outputs, "sources": {name: source}}
