"""The store in PostgreSQL, used as an application uses a database that may fail over.

What fails because the database is away is tried again on another connection until `_PATIENCE` is
over. That is safe for purchases, too, as each has a key of its own. Time-outs are ours, not the
server's: a server that is told to cancel a commit that waits for its standby would call it done.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import asyncpg

from chaos.lab.shop.catalogue import Order, Product, first_products
from chaos.lab.shop.store import StoreUnavailableError

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_CONNECT_WITHIN = 1.0
_STATEMENT_WITHIN = 2.0
_PATIENCE = 5.0
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
_MOST_CONNECTIONS = 8
_HIGHEST_ID = 2**31 - 1

_AWAY = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)
"""No connection, or one that has broken."""
_NOT_READY = (
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""A server that is starting, shutting down, or no primary yet."""

_SCHEMA = """
SELECT pg_advisory_xact_lock(20);
CREATE TABLE IF NOT EXISTS products (
    id integer PRIMARY KEY, name text NOT NULL, price_cents integer NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    order_id uuid PRIMARY KEY, request_key text UNIQUE NOT NULL,
    product_id integer NOT NULL REFERENCES products, quantity integer NOT NULL,
    total_cents integer NOT NULL, taken_at timestamptz NOT NULL DEFAULT now());
"""
_SEED = "INSERT INTO products VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"

_PURCHASE = """
INSERT INTO orders (order_id, request_key, product_id, quantity, total_cents)
SELECT $1, $2, id, $4, price_cents * $4 FROM products WHERE id = $3
ON CONFLICT (request_key) DO UPDATE SET request_key = EXCLUDED.request_key
RETURNING order_id, product_id, quantity, total_cents
"""
"""A repeated request updates the order to what it is: so its answer, too, waits for the standby."""

_Answer = TypeVar("_Answer")
_Work = Callable[["PoolConnectionProxy"], Awaitable[_Answer]]


class Database:
    """The shop's tables; made by whichever instance comes first."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: asyncpg.Pool | None = None
        self._preparing = asyncio.Lock()

    async def products(self) -> list[Product]:
        """See `Store`."""
        query = "SELECT id, name, price_cents FROM products ORDER BY id"
        rows = await self._do(lambda connection: connection.fetch(query))
        return [Product(**row) for row in rows]

    async def product(self, product_id: int) -> Product | None:
        """See `Store`."""
        if not 0 < product_id <= _HIGHEST_ID:
            return None
        query = "SELECT id, name, price_cents FROM products WHERE id = $1"
        row = await self._do(lambda connection: connection.fetchrow(query, product_id))
        return Product(**row) if row else None

    async def purchase(self, product_id: int, quantity: int, key: str) -> Order | None:
        """See `Store`."""
        if not 0 < product_id <= _HIGHEST_ID:
            return None
        order_id = uuid.uuid4()
        row = await self._do(
            lambda connection: connection.fetchrow(_PURCHASE, order_id, key, product_id, quantity)
        )
        return Order(**{**row, "order_id": row["order_id"].hex}) if row else None

    async def _do(self, work: _Work[_Answer]) -> _Answer:
        """Do the work, on another connection where one breaks.

        Pauses grow and are random, so that those who wait do not all come back at once.
        """
        deadline = time.monotonic() + _PATIENCE
        longest = _FIRST_PAUSE
        while True:
            pause = random.uniform(0, longest)
            try:
                return await self._attempt(work)
            except (*_AWAY, *_NOT_READY) as error:
                if time.monotonic() + pause > deadline:
                    raise StoreUnavailableError(f"the database is away: {error!r}") from error
                await asyncio.sleep(pause)
                longest = min(2 * longest, _LONGEST_PAUSE)

    async def _attempt(self, work: _Work[_Answer]) -> _Answer:
        pool = self._pool or await self._prepare()
        connection = await pool.acquire(timeout=_CONNECT_WITHIN)
        # A connection that has gone quiet is cut off on our side: nobody may be there to tell.
        limit = asyncio.get_running_loop().call_later(_STATEMENT_WITHIN, connection.terminate)
        try:
            return await work(connection)
        except _NOT_READY:
            connection.terminate()
            raise
        finally:
            limit.cancel()
            if connection.is_closed():
                await pool.expire_connections()  # The others have most likely broken, too.
            await pool.release(connection)

    async def _prepare(self) -> asyncpg.Pool:
        async with self._preparing:
            if self._pool is None:
                pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=_MOST_CONNECTIONS,
                    timeout=_CONNECT_WITHIN,
                    reset=_leave_as_it_is,
                )
                async with pool.acquire(timeout=_CONNECT_WITHIN) as connection:
                    await _make_tables(connection)
                self._pool = pool
            return self._pool


async def _make_tables(connection: PoolConnectionProxy) -> None:
    async with connection.transaction():
        await connection.execute(_SCHEMA)
        products = [(one.id, one.name, one.price_cents) for one in first_products()]
        await connection.executemany(_SEED, products)


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """Our work leaves nothing in a connection that would need a reset."""
