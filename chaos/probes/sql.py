"""Asking a database."""

from __future__ import annotations

from chaos.model.probe import SqlProbe
from chaos.probes.observation import Observation, ProbeFailed, Surroundings


def observe(probe: SqlProbe, _around: Surroundings) -> Observation:
    """Connect, ask, and let go; the first value of the first row is the answer."""
    try:
        import psycopg
    except ImportError as error:
        raise ProbeFailed("needs psycopg: pip install 'chaos-resilience[sql]'") from error

    patience = max(1, round(probe.patience))
    with psycopg.connect(probe.url, connect_timeout=patience, autocommit=True) as connection:
        connection.execute(f"SET statement_timeout = {patience * 1000}")
        row = connection.execute(probe.sql.encode()).fetchone()
    answer = str(row[0]) if row else "no row"
    good = probe.expect in (None, answer)
    wanted = "" if good else f", expected {probe.expect}"
    return Observation(good, f"{probe}: {answer}{wanted}")
