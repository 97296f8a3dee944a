"""The stack's own budget, `datapipe:budget` of its stack file, from which the budgets' limits come.

The engine passes a stack's configuration to policy packs as PULUMI_CONFIG.
"""

import json
import os


def stack_limit(resource: str, default: str) -> str:
    """Return the limit that the stack file sets for a resource, or the default."""
    configuration = json.loads(os.environ.get("PULUMI_CONFIG") or "{}")
    budget = json.loads(configuration.get("datapipe:budget") or "{}")
    return str(budget.get(resource, default))
