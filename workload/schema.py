"""The sample schema's tables and foreign keys."""

from collections.abc import Mapping

# Tables, and the columns through which ON DELETE CASCADE deletes their rows too.
CHILDREN: Mapping[str, tuple[tuple[str, str], ...]] = {
    "users": (("orders", "user_id"),),
    "products": (("order_items", "product_id"),),
    "orders": (("order_items", "order_id"),),
    "order_items": (),
}

PARENTS: Mapping[str, tuple[str, ...]] = {
    "users": (),
    "products": (),
    "orders": ("users",),
    "order_items": ("orders", "products"),
}
