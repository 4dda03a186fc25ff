"""A freshly initialised data directory, made once for each lab and copied for each new database.

`initdb` takes about a second, so it runs while the rest of the lab comes up.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from chaos.lab.database.postgres import ADMIN, Postgres
from chaos.lab.database.waiting import exit_of


class TemplateError(Exception):
    """PostgreSQL could not be initialised."""


class Template:
    """Making it starts `initdb`."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self._directory = postgres.home / "template"
        self._log = postgres.home / "initdb.log"
        password = postgres.home / "password"
        password.touch(mode=0o600)
        password.write_text(postgres.password)
        postgres.give(password)
        options = ("--no-sync", "--no-locale", "--encoding=UTF8", "--wal-segsize=1")
        access = ("--auth=scram-sha-256", f"--pwfile={password}", f"--username={ADMIN}")
        self._process = postgres.start(
            "initdb", "-D", str(self._directory), *options, *access, log=self._log
        )

    async def copy_to(self, directory: Path) -> None:
        """Make a new data directory; the first time, wait for `initdb`.

        Raises:
            TemplateError: `initdb` has failed.
        """
        if await exit_of(self._process) != 0:
            raise TemplateError(f"initdb has failed: {self._log.read_text()[-2000:]}")
        shutil.copytree(self._directory, directory)
        for parent, directories, names in os.walk(directory):
            for name in ("", *directories, *names):
                self.postgres.give(Path(parent, name))
