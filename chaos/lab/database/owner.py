"""The user and the database that a DB instance or cluster is created with."""

from __future__ import annotations

import json
from typing import Any

from chaos.lab.database.server import Server

_ADMINISTRATORS = """
CREATE ROLE rds_superuser;
GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION;
"""


async def create_owner(server: Server, resource: Any) -> None:
    """Create the master user, who is no superuser, as on RDS, and the first database."""
    user, password = _credentials_of(resource)
    database = getattr(resource, "db_name", None) or getattr(resource, "database_name", None)
    async with server.session() as session:
        await session.execute(_ADMINISTRATORS)
        role = _identifier(user)
        await session.execute(
            f"CREATE ROLE {role} LOGIN CREATEDB CREATEROLE PASSWORD {_literal(password)}"
        )
        await session.execute(f"GRANT rds_superuser TO {role}")
        await session.execute(f"ALTER DATABASE postgres OWNER TO {role}")
        if database and database != "postgres":
            await session.execute(f"CREATE DATABASE {_identifier(database)} OWNER {role}")


def _credentials_of(resource: Any) -> tuple[str, str]:
    if resource.manage_master_user_password:
        secret = json.loads(resource.master_user_secret.secret.secret_string)
        return secret["username"], secret["password"]
    password = resource.__dict__.get("_master_user_password")
    return resource.master_username or "postgres", password or ""


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
