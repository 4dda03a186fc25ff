"""Where the shop keeps its products and orders."""

from __future__ import annotations

from typing import Protocol

from chaos.lab.shop.catalogue import Order, Product


class StoreUnavailableError(Exception):
    """The store does not answer now; whether what was asked for is done is not known."""


class Store(Protocol):
    """What the shop needs of a store. All methods raise StoreUnavailableError."""

    async def products(self) -> list[Product]:
        """All products, by id."""

    async def product(self, product_id: int) -> Product | None:
        """One product; None where there is none of that id."""

    async def purchase(self, product_id: int, quantity: int, key: str) -> Order | None:
        """Take an order, for good once this returns; None where there is no such product.

        The same `key` is the same order, however often it is asked for.
        """
