"""The rows that are written: values that pipelines are known to lose or change."""

from decimal import Decimal
from random import Random

from clients.database import Row

# The keys of the rows that this run has inserted and that still exist, by table.
Live = dict[str, list[int]]

NAMES = ("Ada", "Zoë", "Nguyễn", "O'Brien", "李小龍", "Łukasz", "Ana María", "Björk")
TEXTS = ("plain", "", 'quoted "text"', "two\nlines", "tab\tand \\ backslash", "emoji 🚚", "x" * 900)
PRICES = ("0.00", "0.01", "9.99", "1234.50", "99999999.99")
STATUSES = ("pending", "processing", "shipped", "delivered", "cancelled")


class RowMaker:
    """Makes seeded rows for the sample schema's tables.

    Columns with a default are sometimes set to NULL, to detect converters that replace an explicit
    NULL by the default.
    """

    def __init__(self, random: Random, run: str) -> None:
        """`run` makes the e-mail addresses differ from those of other runs."""
        self._random = random
        self._run = run
        self._customers = 0

    def new(self, table: str, live: Live) -> Row:
        """Return the columns to insert; `live` must have the row's parents."""
        one_of = self._random.choice
        match table:
            case "users":
                self._customers += 1
                return {
                    "email": f"customer-{self._customers}-{self._run}@example.com",
                    "first_name": one_of(NAMES),
                    "last_name": one_of(NAMES),
                }
            case "products":
                return {
                    "name": f"product {self._random.randint(1, 10_000)}",
                    "description": one_of((*TEXTS, None)),
                    "price": self._price(),
                    "stock_quantity": one_of((None, 0, 1, 2_147_483_647)),
                    "category": one_of((None, "books", "tools")),
                }
            case "orders":
                return {
                    "user_id": one_of(live["users"]),
                    "status": one_of((*STATUSES, None)),
                    "total_amount": self._price(),
                    "shipping_address": one_of((*TEXTS, None)),
                }
            case "order_items":
                row = {
                    "order_id": one_of(live["orders"]),
                    "product_id": one_of(live["products"]),
                    "quantity": self._random.randint(1, 100),
                    "unit_price": self._price(),
                }
                return {**row, "created_at": None} if self._random.random() < 0.1 else row
        raise ValueError(f"{table} is not one of the sample schema's tables")

    def changed(self, table: str) -> Row:
        """Return the columns to update."""
        one_of = self._random.choice
        match table:
            case "users":
                return {"last_name": one_of(NAMES)}
            case "products":
                return {"stock_quantity": one_of((None, 0, 17)), "price": self._price()}
            case "orders":
                return {"status": one_of((*STATUSES, None))}
            case "order_items":
                return {"quantity": self._random.randint(1, 100)}
        raise ValueError(f"{table} is not one of the sample schema's tables")

    def _price(self) -> Decimal:
        return Decimal(self._random.choice(PRICES))
