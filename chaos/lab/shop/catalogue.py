"""The shop's products and orders, in memory."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Product:
    """Something for sale."""

    id: int
    name: str
    price_cents: int

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase that was accepted."""

    order_id: str
    product_id: int
    quantity: int
    total_cents: int

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        return asdict(self)


_NAMES = ("kettle", "lamp", "chair", "clock", "basket", "blanket", "mirror", "vase", "rug", "shelf")
_STYLES = ("plain", "oak", "blue", "tall", "small")


class Catalogue:
    """All products, and the orders this instance has taken."""

    def __init__(self) -> None:
        names = [f"{style} {name}" for name in _NAMES for style in _STYLES]
        self.products = {
            number: Product(number, name, 500 + 37 * number)
            for number, name in enumerate(names, start=1)
        }
        self.orders: dict[str, Order] = {}

    def purchase(self, product: Product, quantity: int) -> Order:
        """Take an order."""
        order = Order(uuid.uuid4().hex, product.id, quantity, product.price_cents * quantity)
        self.orders[order.order_id] = order
        return order
