"""Optimistic concurrency in moto's Glue.

Iceberg commits a snapshot by UpdateTable with the VersionId that it read, and Glue refuses it when
the table has moved on since. moto ignores the VersionId, so that the later of two commits would
overwrite the earlier one: rows would vanish that were reported as written.
"""

from threading import RLock
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.glue import urls
from moto.glue.responses import GlueResponse

# moto serves each request in a thread of its own; its tables are plain dictionaries.
_one_request_at_a_time = RLock()


class ConcurrentModificationError(JsonRESTError):
    """The table has another version than the one that the request names."""

    def __init__(self, table: str, given: str, current: str) -> None:
        super().__init__(
            "ConcurrentModificationException",
            f"Update table failed due to concurrent modifications: {table} has version {current},"
            f" the request names version {given}",
        )


class OptimisticGlue(GlueResponse):
    """moto's Glue; every request is atomic, and UpdateTable honours VersionId and SkipArchive."""

    def call_action(self) -> Any:
        with _one_request_at_a_time:
            return super().call_action()

    def update_table(self) -> ActionResult:
        """Update a table. Raises ConcurrentModificationError for a VersionId that is not current.

        A request without VersionId overwrites whatever is there, as on AWS.
        """
        database: str = self.parameters["DatabaseName"]
        name: str = self.parameters["TableInput"]["Name"]
        current = str(self.glue_backend.get_table(database, name).as_dict()["VersionId"])
        given: str | None = self.parameters.get("VersionId")
        if given is not None and given != current:
            raise ConcurrentModificationError(f"{database}.{name}", given, current)
        updated = super().update_table()
        if self.parameters.get("SkipArchive", False):
            # Iceberg asks for it by default; a version for each commit would fill the memory.
            self.glue_backend.delete_table_version(database, name, current)
        return updated


def install() -> None:
    """Make moto servers that this process starts from now on use it."""
    urls.url_paths = dict.fromkeys(urls.url_paths, OptimisticGlue.dispatch)
