"""What the shop deals with: products and orders."""

from __future__ import annotations

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


def first_products() -> list[Product]:
    """What the shop opens with."""
    names = [f"{style} {name}" for name in _NAMES for style in _STYLES]
    return [Product(number, name, 500 + 37 * number) for number, name in enumerate(names, start=1)]
