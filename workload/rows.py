"""What the demo writes: values that pipelines are known to lose or change on the way."""

from decimal import Decimal
from random import Random

from clients.database import Row

Live = dict[str, list[int]]
"""The keys of the rows that this run made and that still exist, by table."""

NAMES = ("Ada", "Zoë", "Nguyễn", "O'Brien", "李小龍", "Łukasz", "Ana María", "Björk")
TEXTS = ("plain", "", 'quoted "text"', "two\nlines", "tab\tand \\ backslash", "emoji 🚚", "x" * 900)
PRICES = ("0.00", "0.01", "9.99", "1234.50", "99999999.99")
STATUSES = ("pending", "processing", "shipped", "delivered", "cancelled")


class RowMaker:
    """Seeded contents for the sample schema's tables.

    Columns with a default are sometimes set to NULL on purpose: a converter that puts the default
    in its place is found out.
    """

    def __init__(self, random: Random, run: str) -> None:
        """`run` tells the e-mail addresses of this run from those of others."""
        self._random = random
        self._run = run
        self._customers = 0

    def new(self, table: str, live: Live) -> Row:
        """The columns to insert; the parents of the row must be among the live ones."""
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
        raise ValueError(f"{table} is none of the sample schema's tables")

    def changed(self, table: str) -> Row:
        """The columns to update."""
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
        raise ValueError(f"{table} is none of the sample schema's tables")

    def _price(self) -> Decimal:
        return Decimal(self._random.choice(PRICES))
