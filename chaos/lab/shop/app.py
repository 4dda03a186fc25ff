"""The shop's HTTP interface: browse, look, buy."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from chaos.lab.shop.store import Store, StoreUnavailableError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HIGHEST_QUANTITY = 100


@dataclass(frozen=True, slots=True)
class Identity:
    """Which instance serves."""

    instance_id: str
    zone: str


@dataclass(frozen=True, slots=True)
class _Counts:
    received: Counter[str] = field(default_factory=Counter)
    """By path, when they come."""
    answered: Counter[str] = field(default_factory=Counter)
    """By path and status, when they are answered: of what is under way it knows nothing."""


class _Counting:
    """Counts all requests, and says in each answer who gave it."""

    def __init__(self, app: ASGIApp, identity: Identity, counts: _Counts) -> None:
        self._app = app
        self._counts = counts
        self._headers = [
            (b"x-served-by", identity.instance_id.encode()),
            (b"x-served-zone", identity.zone.encode()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].split("/")[1]
        self._counts.received[path] += 1

        async def send_signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts.answered[f"{path} {message['status']}"] += 1
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, send_signed)


class Shop:
    """One instance of the shop."""

    def __init__(self, identity: Identity, store: Store) -> None:
        self._identity = identity
        self._store = store
        self._counts = _Counts()
        self._started_at = time.time()

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route("/products", self._browse),
            Route("/products/{product_id:int}", self._look),
            Route("/purchase", self._buy, methods=["POST"]),
            Route("/health", self._health),
            Route("/metrics", self._metrics),
        ]
        shop = Starlette(
            routes=routes,
            exception_handlers={StoreUnavailableError: _unavailable},
            lifespan=self._life,
        )
        return _Counting(shop, self._identity, self._counts)

    @contextlib.asynccontextmanager
    async def _life(self, _: Starlette) -> AsyncIterator[None]:
        """Connect to the store at once, but open whether it is there or not."""
        warming = asyncio.create_task(self._warm_up())
        yield
        warming.cancel()

    async def _warm_up(self) -> None:
        with contextlib.suppress(StoreUnavailableError):
            await self._store.products()

    async def _browse(self, _: Request) -> JSONResponse:
        return JSONResponse([product.to_json() for product in await self._store.products()])

    async def _look(self, request: Request) -> JSONResponse:
        product = await self._store.product(request.path_params["product_id"])
        return JSONResponse(product.to_json()) if product else _error(404, "no such product")

    async def _buy(self, request: Request) -> JSONResponse:
        try:
            wanted = await request.json()
        except ValueError:
            return _error(400, "the body is not JSON")
        if not _is_order(wanted):
            return _error(422, "wanted: product_id and quantity, whole numbers, 1 to 100 of it")
        key = request.headers.get("idempotency-key") or uuid.uuid4().hex
        order = await self._store.purchase(wanted["product_id"], wanted["quantity"], key)
        if order is None:
            return _error(404, "no such product")
        return JSONResponse(order.to_json(), status_code=201)

    async def _health(self, _: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def _metrics(self, _: Request) -> JSONResponse:
        counts = {
            "started_at": self._started_at,
            "received": self._counts.received,
            "requests": self._counts.answered,
        }
        return JSONResponse(counts)


def _is_order(wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return False
    product_id, quantity = wanted.get("product_id"), wanted.get("quantity")
    return type(product_id) is int and type(quantity) is int and 1 <= quantity <= _HIGHEST_QUANTITY


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    return _error(503, str(error))
