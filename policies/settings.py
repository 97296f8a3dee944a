"""What policies can be configured with."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Schemas: TypeAlias = Mapping[str, dict[str, Any]]
"""The JSON schema of each setting of a policy, with its default."""

Settings: TypeAlias = Mapping[str, Any]
"""The values of a policy's settings: those given in its configuration, or their defaults."""
