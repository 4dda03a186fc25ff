"""All DB instances and clusters of the region, served from one thread."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Callable

from chaos.lab.database.cluster import DbCluster
from chaos.lab.database.deployment import Deployment
from chaos.lab.database.instance import DbInstance
from chaos.lab.database.site import Site

_LOOK_EVERY = 0.05


class Databases:
    """Makes servers come and go with what RDS shows."""

    def __init__(self, site: Site, on_failure: Callable[[], None]) -> None:
        self._site = site
        self._on_failure = on_failure
        self._tasks: dict[str, tuple[Deployment, asyncio.Task[None]]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, name="databases", daemon=True)
        self._main: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._main = self._loop.create_task(self._follow_for_ever())
        self._thread.start()

    def stop(self) -> None:
        """End, and return when no server is left."""
        if self._main and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._main.cancel)
            self._thread.join()

    @property
    def deployments(self) -> list[Deployment]:
        """All that there are now."""
        return [deployment for deployment, _ in list(self._tasks.values())]

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            if self._main:
                self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            return
        except Exception:  # noqa: BLE001 - nothing can be served any more
            traceback.print_exc()
            self._on_failure()

    async def _follow_for_ever(self) -> None:
        try:
            while True:
                await self._follow()
                await asyncio.sleep(_LOOK_EVERY)
        finally:
            for _, task in self._tasks.values():
                task.cancel()
            if self._tasks:
                await asyncio.wait([task for _, task in self._tasks.values()])

    async def _follow(self) -> None:
        with self._site.region.lock:
            wanted = self._site.region.databases()
        for arn in self._tasks.keys() - wanted.keys():
            task = self._tasks.pop(arn)[1]
            task.cancel()
            await asyncio.wait([task])
        for arn in wanted.keys() - self._tasks.keys():
            kind = DbCluster if ":cluster:" in arn else DbInstance
            deployment = kind(wanted[arn], self._site)
            self._tasks[arn] = deployment, asyncio.create_task(self._run(deployment))

    async def _run(self, deployment: Deployment) -> None:
        try:
            await deployment.run()
        except Exception:  # noqa: BLE001 - the API tells whoever looks
            traceback.print_exc()
            with self._site.region.lock:
                deployment.resource.status = "failed"
