"""Runs one instance of the shop; who and where it is stands in the environment, as on EC2."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import uvicorn

from chaos.lab.shop.app import Identity, Shop
from chaos.lab.shop.cached_store import CachedStore
from chaos.lab.shop.database import Database
from chaos.lab.shop.reporting import Destination, Reporter
from chaos.lab.shop.store import Store

if TYPE_CHECKING:
    from starlette.types import ASGIApp

KEEP_ALIVE = 75
"""Seconds an idle connection is kept: longer than the load balancer keeps it, as AWS advises, or
the balancer would now and then send a request into a connection that is just being closed."""


def main() -> None:
    """Serve until killed."""
    identity = Identity(os.environ["INSTANCE_ID"], os.environ["AVAILABILITY_ZONE"])
    uvicorn.run(
        _reported(Shop(identity, _store()).app()),
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE,
    )


def _store() -> Store:
    """The database, behind a cache where there is one."""
    store = Database(os.environ["DATABASE_URL"])
    cache = os.environ.get("SHOP_CACHE_ENDPOINT")
    return CachedStore(store, cache) if cache else store


def _reported(app: ASGIApp) -> ASGIApp:
    """The application, its metrics sent to CloudWatch where there is one."""
    destination = Destination.of(os.environ)
    return Reporter(app, destination) if destination else app


if __name__ == "__main__":
    main()
