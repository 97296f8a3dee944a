"""The states that a connector can be set to, by a stack file or by the provider."""

from typing import Literal

# PAUSED keeps the connector's tasks in memory, STOPPED ends them.
State = Literal["RUNNING", "PAUSED", "STOPPED"]
