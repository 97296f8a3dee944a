"""The base of the program's dynamic resources, whose errors reach the user without a traceback.

Pulumi runs dynamic resources in a process of their own (python -m pulumi.dynamic). Whatever a
provider raises there, that process answers the engine with `traceback.format_exc()`.
"""

import sys
import traceback
from types import ModuleType

from pulumi import dynamic

from kafka_connect.explained_error import ExplainedError

HOST = "pulumi.dynamic.__main__"


class ErrorFormat:
    """What Pulumi's process uses instead of the module traceback."""

    @staticmethod
    def format_exc() -> str:
        """Return the message of an error that explains itself, and the traceback of any other."""
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, ExplainedError) else traceback.format_exc()


class Provider(dynamic.ResourceProvider):
    """A provider of a dynamic resource."""

    def configure(self, _req: dynamic.ConfigureRequest) -> None:
        """Replace how Pulumi's process formats errors; it calls this before any other method."""
        host = sys.modules["__main__"]
        if is_dynamic_host(host):
            host.traceback = ErrorFormat  # type: ignore[attr-defined]  # a name that it imports


def is_dynamic_host(main: ModuleType) -> bool:
    """Return whether a process's main module is Pulumi's host of dynamic resources."""
    spec = getattr(main, "__spec__", None)
    return spec is not None and spec.name == HOST
