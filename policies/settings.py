"""Types of policies' settings."""

from collections.abc import Mapping
from typing import Any, TypeAlias

# The JSON schema of each setting of a policy, with its default.
Schemas: TypeAlias = Mapping[str, dict[str, Any]]

# The values of a policy's settings: those given in its configuration, or their defaults.
Settings: TypeAlias = Mapping[str, Any]
