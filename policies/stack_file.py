"""The stack file, for settings whose default is the stack's own.

The engine passes a stack's configuration to policy packs as PULUMI_CONFIG.
"""

import json
import os


def stack_value(section: str, key: str, default: str) -> str:
    """Return what the stack file has for a key of a section, or the default."""
    configuration = json.loads(os.environ.get("PULUMI_CONFIG") or "{}")
    values = json.loads(configuration.get(f"datapipe:{section}") or "{}")
    return str(values.get(key, default))
