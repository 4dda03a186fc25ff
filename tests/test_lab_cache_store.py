"""The shop's cache from the inside: it saves work, and never stands in the way."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.lab.cache.server import CacheServer, answers
from chaos.lab.shop.cached_store import PATIENCE, PAUSE, CachedStore
from chaos.lab.shop.catalogue import Order, Product
from tests.eventually import eventually

LAMP = Product(1, "lamp", 500)


class CountingStore:
    """A store that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def products(self) -> list[Product]:
        self.asked += 1
        return [LAMP]

    async def product(self, product_id: int) -> Product | None:
        self.asked += 1
        return LAMP if product_id == LAMP.id else None

    async def purchase(self, product_id: int, quantity: int, key: str) -> Order | None:
        self.asked += 1
        return Order(key, product_id, quantity, quantity * LAMP.price_cents)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CacheServer]:
    """A cache server."""
    made = CacheServer(tmp_path / "cache")
    made.start()
    eventually(lambda: answers(made.port), within=10, what="the server answers")
    yield made
    made.scrap()


@pytest.fixture
def silent() -> Iterator[int]:
    """A port at which somebody accepts connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])


def test_what_is_kept_is_not_asked_for_again(server: CacheServer) -> None:
    """Lists and single products; what there is not is asked for each time."""
    store = CountingStore()

    async def use() -> None:
        cached = CachedStore(store, f"127.0.0.1:{server.port}")
        for _ in range(3):
            assert await cached.products() == [LAMP]
            assert await cached.product(LAMP.id) == LAMP
        assert store.asked == 2
        for _ in range(3):
            assert await cached.product(99) is None
        assert store.asked == 5

    asyncio.run(use())


def test_purchases_go_straight_to_the_store(server: CacheServer) -> None:
    """Each of them."""
    store = CountingStore()

    async def buy() -> None:
        cached = CachedStore(store, f"127.0.0.1:{server.port}")
        for key in ("a", "b"):
            order = await cached.purchase(LAMP.id, 2, key)
            assert order
            assert order.order_id == key

    asyncio.run(buy())
    assert store.asked == 2


def test_a_cache_that_says_nothing_is_waited_for_once(silent: int) -> None:
    """The first request waits a moment; the next ones do not even try."""
    store = CountingStore()

    async def use() -> tuple[float, float]:
        cached = CachedStore(store, f"127.0.0.1:{silent}")
        began = time.monotonic()
        assert await cached.product(LAMP.id) == LAMP
        first = time.monotonic()
        for _ in range(20):
            assert await cached.products() == [LAMP]
        return first - began, time.monotonic() - first

    waited, others = asyncio.run(use())
    assert waited >= PATIENCE
    assert others < 20 * PATIENCE
    assert store.asked == 21


def test_a_cache_that_comes_back_is_used_again(server: CacheServer) -> None:
    """After a pause, on new connections."""
    store = CountingStore()

    async def use() -> None:
        cached = CachedStore(store, f"127.0.0.1:{server.port}")
        await cached.products()
        server.kill()
        for _ in range(3):
            await cached.products()
        assert store.asked == 4
        server.start()
        deadline = time.monotonic() + PAUSE + 10
        while time.monotonic() < deadline:
            before = store.asked
            await cached.products()
            if store.asked == before:
                return
            await asyncio.sleep(0.05)
        pytest.fail("the cache is not used again")

    asyncio.run(use())
