"""What the load writes into a row: a function of its key and version, in Python and in SQL.

The generator computes it in Python for COPY. The comparison computes it again in DuckDB, over
millions of rows at once, and so needs no record of each value; were the two to differ, every
comparison would fail (tests/bench shows that they don't).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

TABLES = ("users", "products", "orders", "order_items")
PARENTS = 500
"""Rows of users, products and orders that the others refer to; no update or delete touches them."""

STATUSES = ("pending", "processing", "shipped", "delivered", "cancelled")
CATEGORIES = ("books", "tools", "garden", "toys")
ALPHABET = "abcdefghijklmnopqrstuvwxyz      0123456789"
TEXT_STEP = 7919
"""A prime: neighbours' texts share nothing that a compressor could use."""


@dataclass(frozen=True)
class Content:
    """The values of one run; `width` is that of the two text columns, in characters."""

    run: str
    """in e-mail addresses and products' names, to tell this run's rows from others"""
    width: int = 120
    seed: int = 7

    @property
    def texts(self) -> str:
        """What all text columns are slices of."""
        random = Random(self.seed)  # noqa: S311  repeatable, not secret
        return "".join(random.choices(ALPHABET, k=max(65_536, 4 * self.width)))

    def rows(self, table: str) -> Callable[[int, "Parents"], str]:
        """What makes the text, as COPY takes it, of the row with a key that is new (version 0)."""
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
            user, status = parents.users + key % PARENTS, STATUSES[key % 5]
            return f"{key}\t{user}\t{status}\t{price(key)}\t{text}\n"

        def order_items(key: int, parents: Parents) -> str:
            order, product = parents.orders + key % PARENTS, parents.products + key % PARENTS
            return f"{key}\t{order}\t{product}\t1\t{price(key)}\n"

        made: Mapping[str, Callable[[int, Parents], str]] = {
            "users": users,
            "products": products,
            "orders": orders,
            "order_items": order_items,
        }
        return made[table]


@dataclass(frozen=True)
class Parents:
    """The first key of the rows that others refer to."""

    users: int
    products: int
    orders: int


def price(key: int) -> str:
    """An amount with two decimals."""
    return f"{key % 9973}.{key % 100:02d}"


COLUMNS: Mapping[str, tuple[str, ...]] = {
    "users": ("id", "email", "first_name", "last_name"),
    "products": ("id", "name", "description", "price", "stock_quantity", "category"),
    "orders": ("id", "user_id", "status", "total_amount", "shipping_address"),
    "order_items": ("id", "order_id", "product_id", "quantity", "unit_price"),
}
"""What COPY writes; the timestamps are the database's own."""

TIMESTAMPS: Mapping[str, tuple[str, ...]] = {
    "users": ("created_at", "updated_at"),
    "products": ("created_at", "updated_at"),
    "orders": ("created_at", "updated_at"),
    "order_items": ("created_at",),
}
"""When the row's transactions began: that of the insert, and that of the last insert or update."""

UPDATES: Mapping[str, str] = {
    "users": "last_name = 'v' || %(version)s",
    "products": "stock_quantity = %(version)s",
    "orders": "status = (ARRAY['pending','processing','shipped','delivered','cancelled'])"
    "[1 + (id + %(version)s) %% 5]",
    "order_items": "quantity = 1 + %(version)s %% 100",
}
"""What an update to a version sets."""


def expected_columns(content: Content, table: str, parents: Parents) -> tuple[str, ...]:
    """The table's columns in DuckDB's SQL, over key, version, created_at and updated_at."""
    slices = len(content.texts) - content.width
    text = f"substr(getvariable('texts'), 1 + key * {TEXT_STEP} % {slices}, {content.width})"
    amount = "(key % 9973) || '.' || lpad((key % 100)::VARCHAR, 2, '0')"
    statuses = f"[{', '.join(repr(status) for status in STATUSES)}]"
    categories = f"[{', '.join(repr(category) for category in CATEGORIES)}, NULL]"
    columns: Mapping[str, tuple[str, ...]] = {
        "users": (
            "key",
            f"'{content.run}-' || key || '@bench.example.com'",
            "'name ' || key % 1000",
            "'v' || version",
        ),
        "products": (
            "key",
            f"'{content.run}-' || key",
            text,
            amount,
            "version",
            f"{categories}[1 + key % 5]",
        ),
        "orders": (
            "key",
            f"{parents.users} + key % {PARENTS}",
            f"{statuses}[1 + (key + version) % 5]",
            amount,
            text,
        ),
        "order_items": (
            "key",
            f"{parents.orders} + key % {PARENTS}",
            f"{parents.products} + key % {PARENTS}",
            "1 + version % 100",
            amount,
        ),
    }
    return (*columns[table], *TIMESTAMPS[table])
