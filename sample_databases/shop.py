"""The tables of a small shop, with the odd things of real schemas (shop.sql)."""

from pathlib import Path

from sample_databases.server import SampleServer

DATABASE = "shop"
SCHEMA = Path(__file__).parent / "shop.sql"
# All captured tables, with what is special about each as a stack file has it.
TABLES: dict[str, dict[str, object]] = {
    "public.customers": {"partitions": 1},
    # Logical replication does not send generated columns.
    "public.products": {"partitions": 1, "excludedColumns": ["gross"]},
    "public.orders": {"partitions": 1},
    "public.order_lines": {"partitions": 1},
    "public.page_views": {"partitions": 1},
    "public.staff": {"partitions": 1},
    "warehouse.movements": {"partitions": 1},
}


def fill(server: SampleServer) -> None:
    """Create the tables and fill them."""
    server.execute(SCHEMA.read_text())
