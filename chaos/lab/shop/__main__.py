"""Runs one instance of the shop; who and where it is stands in the environment, as on EC2."""

from __future__ import annotations

import os

import uvicorn

from chaos.lab.shop.app import Identity, Shop

KEEP_ALIVE = 75
"""Seconds an idle connection is kept: longer than the load balancer keeps it, as AWS advises, or
the balancer would now and then send a request into a connection that is just being closed."""


def main() -> None:
    """Serve until killed."""
    identity = Identity(os.environ["INSTANCE_ID"], os.environ["AVAILABILITY_ZONE"])
    uvicorn.run(
        Shop(identity).app(),
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE,
    )


if __name__ == "__main__":
    main()
