"""The values of a row: a function of its key and version, in Python and in SQL.

The generator computes them in Python for COPY. The comparison computes them again in DuckDB, for
millions of rows at a time, so that no value has to be recorded. If the two differed, every
comparison would fail (tests/bench shows that they do not).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

TABLES = ("users", "products", "orders", "order_items")
# Rows of users, products and orders that other rows refer to; they are never updated or deleted.
# A load on hundreds of tables needs fewer, or most of its rows would be these.
PARENTS = 500

STATUSES = ("pending", "processing", "shipped", "delivered", "cancelled")
CATEGORIES = ("books", "tools", "garden", "toys")
ALPHABET = "abcdefghijklmnopqrstuvwxyz      0123456789"
# A prime, so that the texts of neighbouring rows share nothing that a compressor could use.
TEXT_STEP = 7919


@dataclass(frozen=True)
class RowValues:
    """The values of one run; `width` is that of the two text columns, in characters."""

    run: str
    """a part of e-mail addresses and products' names, different in every run"""
    width: int = 120
    seed: int = 7

    @property
    def texts(self) -> str:
        """The text of which every text column is a slice."""
        random = Random(self.seed)  # noqa: S311  repeatable, not secret
        return "".join(random.choices(ALPHABET, k=max(65_536, 4 * self.width)))

    def rows(self, table: str) -> Callable[[int, "Parents"], str]:
        """Return the function that makes a new row (version 0) of a key, as COPY takes it."""
        texts, width, run = self.texts, self.width, self.run
        slices = len(texts) - width

        def users(key: int, parents: Parents) -> str:
            return f"{key}\t{run}-{key}@bench.example.com\tname {key % 1000}\tv0\n"

        def products(key: int, parents: Parents) -> str:
            text = texts[(start := key * TEXT_STEP % slices) : start + width]
            category = "\\N" if key % 5 == 4 else CATEGORIES[key % 5]
            return f"{key}\t{run}-{key}\t{text}\t{price(key)}\t0\t{category}\n"

        def orders(key: int, parents: Parents) -> str:
            text = texts[(start := key * TEXT_STEP % slices) : start + width]
            user, status = parents.users + key % parents.count, STATUSES[key % 5]
            return f"{key}\t{user}\t{status}\t{price(key)}\t{text}\n"

        def order_items(key: int, parents: Parents) -> str:
            order = parents.orders + key % parents.count
            product = parents.products + key % parents.count
            return f"{key}\t{order}\t{product}\t1\t{price(key)}\n"

        functions: Mapping[str, Callable[[int, Parents], str]] = {
            "users": users,
            "products": products,
            "orders": orders,
            "order_items": order_items,
        }
        return functions[table]


@dataclass(frozen=True)
class Parents:
    """The first keys of the rows that other rows refer to."""

    users: int
    products: int
    orders: int
    count: int = PARENTS
    """of each of the three"""


def price(key: int) -> str:
    """Return an amount with two decimals."""
    return f"{key % 9973}.{key % 100:02d}"


# The columns that COPY writes; the timestamps are the database's defaults.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "users": ("id", "email", "first_name", "last_name"),
    "products": ("id", "name", "description", "price", "stock_quantity", "category"),
    "orders": ("id", "user_id", "status", "total_amount", "shipping_address"),
    "order_items": ("id", "order_id", "product_id", "quantity", "unit_price"),
}

# When the row's transactions began: that of its insert, and that of its last insert or update.
TIMESTAMPS: Mapping[str, tuple[str, ...]] = {
    "users": ("created_at", "updated_at"),
    "products": ("created_at", "updated_at"),
    "orders": ("created_at", "updated_at"),
    "order_items": ("created_at",),
}

# What an update to a version sets.
UPDATES: Mapping[str, str] = {
    "users": "last_name = 'v' || %(version)s",
    "products": "stock_quantity = %(version)s",
    "orders": "status = (ARRAY['pending','processing','shipped','delivered','cancelled'])"
    "[1 + (id + %(version)s) %% 5]",
    "order_items": "quantity = 1 + %(version)s %% 100",
}


def expected_columns(values: RowValues, table: str, parents: Parents) -> tuple[str, ...]:
    """Return the table's columns in DuckDB's SQL: of __key, version, created_at and updated_at."""
    slices = len(values.texts) - values.width
    text = f"substr(getvariable('texts'), 1 + __key * {TEXT_STEP} % {slices}, {values.width})"
    amount = "(__key % 9973) || '.' || lpad((__key % 100)::VARCHAR, 2, '0')"
    statuses = f"[{', '.join(repr(status) for status in STATUSES)}]"
    categories = f"[{', '.join(repr(category) for category in CATEGORIES)}, NULL]"
    columns: Mapping[str, tuple[str, ...]] = {
        "users": (
            "__key",
            f"'{values.run}-' || __key || '@bench.example.com'",
            "'name ' || __key % 1000",
            "'v' || version",
        ),
        "products": (
            "__key",
            f"'{values.run}-' || __key",
            text,
            amount,
            "version",
            f"{categories}[1 + __key % 5]",
        ),
        "orders": (
            "__key",
            f"{parents.users} + __key % {parents.count}",
            f"{statuses}[1 + (__key + version) % 5]",
            amount,
            text,
        ),
        "order_items": (
            "__key",
            f"{parents.orders} + __key % {parents.count}",
            f"{parents.products} + __key % {parents.count}",
            "1 + version % 100",
            amount,
        ),
    }
    return (*columns[table], *TIMESTAMPS[table])
