"""The stack file, for settings whose default is the stack's own.

The engine passes a stack's configuration to policy packs as PULUMI_CONFIG.
"""

import json
import os
from typing import Any

# Where the stack file names no port.
POSTGRESQL_PORT = 5432


def stack_value(section: str, key: str, default: str) -> str:
    """Return what the stack file has for a key of a section, or the default."""
    configuration = json.loads(os.environ.get("PULUMI_CONFIG") or "{}")
    values = json.loads(configuration.get(f"datapipe:{section}") or "{}")
    return str(values.get(key, default))


def existing_databases() -> dict[str, Any]:
    """Return the networks and the port of each existing database in the stack file.

    Nothing else: the section has passwords.
    """
    configuration = json.loads(os.environ.get("PULUMI_CONFIG") or "{}")
    sources = json.loads(configuration.get("datapipe:sources") or "{}")
    return {
        name: {
            "networks": source.get("networks") or [f"{source['host']}/32"],
            "port": int(source.get("port", POSTGRESQL_PORT)),
        }
        for name, source in sources.items()
    }


# The setting of the policies that judge the way to existing databases.
SOURCES: dict[str, Any] = {
    "type": "object",
    "default": existing_databases(),
    "description": "existing databases by name, each with its `networks` and its `port`, which only"
    " Kafka Connect may reach; by default those of the stack file's `sources`",
}
