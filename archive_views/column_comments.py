"""What the comment of an Iceberg table's column says about its values.

The sink's transform SeparateKinds (java/column-kinds) gives values whose type has changed a column
of their own, and says so in the comments:

    days since 1970-01-01 [datapipe date]    values of the column of the same name
    [datapipe float of amount]               later values of PostgreSQL's column amount
"""

import re
from collections.abc import Collection

from archive_views.table import StoredColumn

_MARK = re.compile(r"\[datapipe (\S+)(?: of (.+))?\]$")
# Of the column with the earlier values, which a command of earlier versions made.
_EARLIER_SUFFIXES = ("__previous_type", "__before")


def stored_column(name: str, comment: str, names: Collection[str]) -> StoredColumn:
    """Return a column of a table that has the columns `names`.

    Its kind is None where an earlier version made it.
    """
    mark = _MARK.search(comment)
    if mark is not None:
        return StoredColumn(name, mark[2] or name, mark[1])
    earlier = (name.removesuffix(suffix) for suffix in _EARLIER_SUFFIXES if name.endswith(suffix))
    source = next((each for each in earlier if each in names), name)
    return StoredColumn(name, source, None)
