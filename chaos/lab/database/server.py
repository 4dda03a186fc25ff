"""One PostgreSQL server: its data directory, its configuration and its processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.lab.database.postgres import ADMIN, Postgres
from chaos.lab.database.shared_memory import release
from chaos.lab.database.waiting import exit_of
from chaos.lab.loopback import reserve_port
from chaos.lab.processes import living

if TYPE_CHECKING:
    import asyncpg

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # A killed process loses nothing that it has written, synced or not; only a power cut would.
    "fsync": "off",
    "full_page_writes": "off",
    # Small, and nothing outside the data directory but one small System V segment.
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "200",
    "max_wal_size": "64MB",
    "min_wal_size": "4MB",
    "wal_keep_size": "32MB",
    "jit": "off",
    "autovacuum_max_workers": "1",
    "max_logical_replication_workers": "0",
    # Replication that is quick to find its primary again.
    "max_wal_senders": "16",
    "wal_retrieve_retry_interval": "200ms",
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    "wal_receiver_status_interval": "1s",
    "log_min_messages": "fatal",
}
_SINCE_18 = {"io_method": "sync"}  # No processes of its own for reading.
_WITH_IO_METHOD = 18

_STOP_WITHIN = 5.0
_START_WITHIN = 30.0
_CONNECT_WITHIN = 2.0
_DIE_WITHIN = 10.0


class ServerError(Exception):
    """A server did not do what it was told."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a standby gets its data from, and under which name."""

    port: int
    """Of 127.0.0.1."""
    name: str

    def connection(self, postgres: Postgres) -> str:
        """As libpq takes it."""
        return (
            f"host=127.0.0.1 port={self.port} user={ADMIN} password={postgres.password} "
            f"sslmode=disable application_name={self.name}"
        )


class Server:
    """One server. It keeps its port for life, and its data until it is cloned anew."""

    def __init__(self, postgres: Postgres, directory: Path) -> None:
        self.directory = directory
        self._reservation, self.port = reserve_port()
        self._postgres = postgres
        self._log = postgres.home / f"{directory.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the postmaster; None while none runs."""
        return self._process.pid if self._process else None

    @property
    def is_alive(self) -> bool:
        """Whether its postmaster runs."""
        return self._process is not None and self._process.poll() is None

    def configure(self, *, follow: Source | None = None, wait_for: Sequence[str] = ()) -> None:
        """Write the configuration; one that runs takes it over soon.

        Args:
            follow: be a standby of that primary; a primary if not given.
            wait_for: the standbys that must have a commit before it is acknowledged.
        """
        names = ", ".join(f'"{name}"' for name in wait_for)
        own = {"synchronous_standby_names": f"FIRST {len(wait_for)} ({names})" if names else ""}
        if follow:
            own["primary_conninfo"] = follow.connection(self._postgres)
        extra = _SINCE_18 if self._postgres.major >= _WITH_IO_METHOD else {}
        settings = {**_SETTINGS, **extra, "port": str(self.port), **own}
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        self._write("postgresql.conf", "".join(lines))
        signal_file = self.directory / "standby.signal"
        if follow:
            self._write(signal_file.name, "")
        elif not self.is_alive:  # One that is promoted removes it by itself.
            signal_file.unlink(missing_ok=True)
        if self._process and self.is_alive:
            self._process.send_signal(signal.SIGHUP)

    async def clone(self, source: Source) -> None:
        """Replace its data by a copy of a running primary's.

        Raises:
            ServerError: the copy has failed.
        """
        self._clear()
        process = self._postgres.start(
            "pg_basebackup",
            f"--dbname={source.connection(self._postgres)}",
            f"--pgdata={self.directory}",
            "--checkpoint=fast",
            "--wal-method=stream",
            "--no-sync",
            "--no-manifest",
            log=self._log,
        )
        try:
            status = await exit_of(process)
        finally:
            process.kill()
            process.wait()
        if status != 0:
            raise ServerError(f"pg_basebackup has failed: {self._tail()}")

    async def start(self) -> None:
        """Start it; returns when it accepts connections.

        A killed server's shared memory is left to it: by that it sees, and refuses to start for
        the moment, if a process of the old one has not quite ended yet.

        Raises:
            ServerError: it does not come up.
        """
        self._process = self._postgres.start("postgres", "-D", str(self.directory), log=self._log)
        deadline = time.monotonic() + _START_WITHIN
        while not await self._accepts():
            if not self.is_alive or time.monotonic() > deadline:
                raise ServerError(f"a database server did not come up: {self._tail()}")
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Shut it down in order: all that was committed is sent to its standbys first."""
        if self._process and self.is_alive:
            self._process.send_signal(signal.SIGINT)
            await exit_of(self._process, _STOP_WITHIN)
        self.kill()

    def kill(self) -> None:
        """Kill all its processes, as a lost host would lose them; returns when they are gone.

        Stopped first, the postmaster cannot start another process while its children are counted.
        The children of one that has died by itself are nobody's, but end within milliseconds, and
        without the standby, which a commit needs, they acknowledge none.

        Raises:
            ServerError: one of them could not be killed.
        """
        if self._process is None:
            return
        if self.is_alive:
            self._process.send_signal(signal.SIGSTOP)
        children = {one.pid for one in living() if one.parent == self._process.pid}
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        _await_end(children)
        self._process = None

    def scrap(self) -> None:
        """Kill it, and remove its data."""
        self._clear()
        if self._reservation:
            self._reservation.close()

    @contextlib.asynccontextmanager
    async def session(self, database: str = "postgres") -> AsyncIterator[asyncpg.Connection]:
        """A connection of the administrator's, straight to the server.

        Raises:
            ServerError: it cannot be had, or what is done with it fails.
        """
        import asyncpg

        try:
            connection = await self._connect(database)
            try:
                yield connection
            finally:
                connection.terminate()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise ServerError(f"a database server does not do as told: {error!r}") from error

    async def _connect(self, database: str) -> asyncpg.Connection:
        import asyncpg

        return await asyncpg.connect(
            host="127.0.0.1",
            port=self.port,
            user=ADMIN,
            password=self._postgres.password,
            database=database,
            ssl=False,
            timeout=_CONNECT_WITHIN,
            command_timeout=_START_WITHIN,
            # What the administrator writes need not wait for a standby.
            server_settings={"synchronous_commit": "local"},
        )

    async def promote(self) -> None:
        """Make a standby a primary; returns when it takes writes.

        Raises:
            ServerError: it does not.
        """
        async with self.session() as session:
            if not await session.fetchval("SELECT pg_promote(true, 20)"):
                raise ServerError("the standby could not be promoted")

    def _clear(self) -> None:
        self.kill()
        release(self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)

    async def _accepts(self) -> bool:
        try:
            async with self.session():
                return True
        except ServerError:
            return False

    def _write(self, name: str, text: str) -> None:
        new = self.directory / f"{name}.new"
        new.write_text(text)
        self._postgres.give(new)
        new.replace(self.directory / name)

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""


async def attached(primary: Server) -> set[str]:
    """The names of the standbys that a primary sends its data to.

    Raises:
        ServerError: it does not say.
    """
    async with primary.session() as session:
        rows = await session.fetch("SELECT application_name FROM pg_stat_replication")
        return {row["application_name"] for row in rows}


def _await_end(pids: set[int]) -> None:
    deadline = time.monotonic() + _DIE_WITHIN
    while pids & {one.pid for one in living()}:
        if time.monotonic() > deadline:
            raise ServerError("processes of a database server cannot be killed")
        time.sleep(0.002)
