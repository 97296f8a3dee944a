"""The stack's configuration: parsed and validated once, at the edge, into typed objects."""

from components.config.load import ConfigError, load, parse
from components.config.stack import StackConfig

__all__ = ["ConfigError", "StackConfig", "load", "parse"]
