"""A store whose products are kept in the cache for some seconds.

The cache makes the shop faster and never stops it: whatever is wrong with the cache, the store is
asked, and the cache is left alone for a moment, so that a cache that hangs costs a few requests a
short wait and the others none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import valkey.asyncio
from valkey.exceptions import ValkeyError

from chaos.lab.shop.catalogue import Order, Product
from chaos.lab.shop.store import Store

TTL = 5
"""Seconds that an entry is kept."""

PATIENCE = 0.1
"""Seconds to wait for the cache."""

PAUSE = 1.0
"""Seconds during which the cache is left alone after it has failed."""


class CachedStore:
    """A store with a cache before it; purchases go straight to the store."""

    def __init__(self, store: Store, address: str) -> None:
        """`address` is the cache's, as `host:port`."""
        self._store = store
        self._cache = _client(address)
        self._alone_until = 0.0

    async def products(self) -> list[Product]:
        """See `Store`."""
        kept = await self._get("products")
        if kept is None:
            kept = await self._store.products()
            await self._keep("products", kept)
        return kept

    async def product(self, product_id: int) -> Product | None:
        """See `Store`; that there is none is not kept."""
        key = f"product:{product_id}"
        kept = await self._get(key)
        if kept is not None:
            return kept[0]
        found = await self._store.product(product_id)
        if found is not None:
            await self._keep(key, [found])
        return found

    async def purchase(self, product_id: int, quantity: int, key: str) -> Order | None:
        """See `Store`."""
        return await self._store.purchase(product_id, quantity, key)

    async def _get(self, key: str) -> list[Product] | None:
        """What the cache has; None where it has nothing or cannot be asked."""
        if self._left_alone():
            return None
        try:
            text = await self._cache.get(key)
        except (ValkeyError, OSError):
            await self._leave_alone()
            return None
        return None if text is None else [Product(**product) for product in json.loads(text)]

    async def _keep(self, key: str, products: Sequence[Product]) -> None:
        if self._left_alone():
            return
        try:
            text = json.dumps([product.to_json() for product in products])
            await self._cache.set(key, text, ex=TTL)
        except (ValkeyError, OSError):
            await self._leave_alone()

    def _left_alone(self) -> bool:
        return time.monotonic() < self._alone_until

    async def _leave_alone(self) -> None:
        """Ask again after a while, on new connections: the endpoint may lead elsewhere by then."""
        self._alone_until = time.monotonic() + PAUSE
        await self._cache.connection_pool.disconnect(inuse_connections=False)


def _client(address: str) -> valkey.asyncio.Valkey:
    host, _, port = address.rpartition(":")
    return valkey.asyncio.Valkey(
        host=host, port=int(port), socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    )
