"""What a connector can be told to be; apart, as both the stack's file and the providers say it."""

from typing import Literal

State = Literal["RUNNING", "PAUSED", "STOPPED"]
"""PAUSED keeps the connector's tasks in memory, STOPPED ends them."""
