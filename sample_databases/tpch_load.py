"""A load on TPC-H's tables: new orders with their lines, changed ones, and deleted ones.

It follows the specification's refresh functions: RF1 inserts orders with their lines, RF2 deletes
as many. TPC-H uses 8 of each 32 order keys, so a new order has the key of an existing one + 8, and
its values. The orders of a step, and their lines, are also changed, which TPC-H does not do.
"""

import time
from collections import deque
from dataclasses import dataclass

import psycopg

from sample_databases.server import SampleServer

# Orders of one transaction; each has four lines on average.
ORDERS_PER_STEP = 20
# Steps after which new orders are deleted.
LIFETIME = 50
# The next unused keys after the 8 used ones of each 32.
OFFSET = 8

COLUMNS = {
    "orders": "o_custkey, 'O', o_totalprice, current_date, o_orderpriority, o_clerk,"
    " o_shippriority, o_comment",
    "lineitem": "l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice, l_discount,"
    " l_tax, 'N', 'O', current_date + 30, current_date + 20, current_date + 40,"
    " l_shipinstruct, l_shipmode, l_comment",
}
INSERTS = [
    f"INSERT INTO {table} SELECT {key} + {OFFSET}, {columns} FROM {table}"
    f" WHERE {key} = ANY(%(keys)s)"
    for (table, columns), key in zip(COLUMNS.items(), ("o_orderkey", "l_orderkey"), strict=True)
]
UPDATES = [
    "UPDATE orders SET o_orderstatus = 'P', o_totalprice = o_totalprice + 0.01"
    " WHERE o_orderkey = ANY(%(keys)s)",
    "UPDATE lineitem SET l_linestatus = 'F', l_quantity = l_quantity %% 50 + 1"
    " WHERE l_orderkey = ANY(%(keys)s)",
]
DELETES = [
    "DELETE FROM lineitem WHERE l_orderkey = ANY(%(keys)s)",
    "DELETE FROM orders WHERE o_orderkey = ANY(%(keys)s)",
]
NEXT_KEYS = (
    "SELECT o_orderkey FROM orders WHERE o_orderkey > %s AND o_orderkey %% 32 < 8"
    f" ORDER BY o_orderkey LIMIT {ORDERS_PER_STEP}"
)


@dataclass
class Done:
    """What a load has committed."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    seconds: float = 0

    @property
    def changes(self) -> int:
        """Changed rows."""
        return self.inserted + self.updated + self.deleted

    @property
    def rate(self) -> float:
        """Changed rows per second."""
        return self.changes / self.seconds if self.seconds else 0


class TpchLoad:
    """Changes rows at a rate, in transactions of some hundred rows."""

    def __init__(self, server: SampleServer, rate: float) -> None:
        """`rate` is in changed rows per second; the server may be slower."""
        self._server, self._rate = server, rate
        self._last = 0
        self._new: deque[list[int]] = deque()

    def run(self, seconds: float) -> Done:
        """Change rows for some seconds, then delete the orders that are still new."""
        done, began = Done(), time.monotonic()
        with self._server.connect() as connection:
            self._delete(connection, _left_over(connection), done)
            while (now := time.monotonic() - began) < seconds:
                ahead = done.changes / self._rate - now
                if ahead > 0:
                    time.sleep(min(ahead, seconds - now))
                    continue
                self._step(connection, done)
            while self._new:
                self._delete(connection, self._new.popleft(), done)
            done.seconds = time.monotonic() - began
        return done

    def _step(self, connection: psycopg.Connection[tuple[object, ...]], done: Done) -> None:
        keys = self._next_keys(connection)
        with connection.transaction():
            for statement in INSERTS:
                done.inserted += connection.execute(statement.encode(), {"keys": keys}).rowcount
            for statement in UPDATES:
                done.updated += connection.execute(statement.encode(), {"keys": keys}).rowcount
        self._new.append([key + OFFSET for key in keys])
        if len(self._new) > LIFETIME:
            self._delete(connection, self._new.popleft(), done)

    def _next_keys(self, connection: psycopg.Connection[tuple[object, ...]]) -> list[int]:
        """Return the keys of the next orders; after the last order, the first follow."""
        keys = [int(str(key)) for (key,) in connection.execute(NEXT_KEYS, [self._last])]
        if not keys:
            keys = [int(str(key)) for (key,) in connection.execute(NEXT_KEYS, [0])]
        self._last = keys[-1]
        return keys

    def _delete(
        self, connection: psycopg.Connection[tuple[object, ...]], keys: list[int], done: Done
    ) -> None:
        with connection.transaction():
            for statement in DELETES:
                done.deleted += connection.execute(statement.encode(), {"keys": keys}).rowcount


def _left_over(connection: psycopg.Connection[tuple[object, ...]]) -> list[int]:
    """Return the keys of new orders that a load that was killed did not delete."""
    rows = connection.execute("SELECT o_orderkey FROM orders WHERE o_orderkey % 32 >= 8")
    return [int(str(key)) for (key,) in rows]
