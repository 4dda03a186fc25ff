"""A person's yes: for one day or the next one, for a time, and for the files as they were."""

from __future__ import annotations

from chaos.gameday.day import Approved, Day
from chaos.gameday.store import Store
from chaos.model.gameday_loading import LoadedGameDay


def approve(store: Store, loaded: LoadedGameDay, what: str, by: str, now: float) -> Approved:
    """Record that `by` says yes to the day, or the game day, called `what`."""
    valid_for = loaded.gameday.approval.valid_for
    given = Approved(what, by, now, now + valid_for, loaded.digest)
    store.keep(given)
    return given


def approved_by(store: Store, loaded: LoadedGameDay, day: Day, now: float) -> str | None:
    """Who said yes to it; None where nobody did, or it no longer counts."""
    digest = loaded.digest
    given = store.approvals(day.id, loaded.name)
    counting = [one for one in given if one.expires_at > now and one.digest == digest]
    return counting[-1].by if counting else None


def lacking(store: Store, loaded: LoadedGameDay, day: Day, now: float) -> str | None:
    """Why it may not begin for want of an approval; None where it may."""
    if not loaded.gameday.approval.required:
        return None
    try:
        if approved_by(store, loaded, day, now):
            return None
    except OSError as error:
        return f"its files cannot be read: {error.strerror}"
    given = store.approvals(day.id, loaded.name)
    if given:
        last = given[-1]
        why = "has expired" if last.expires_at <= now else "was for other files than there are now"
        return f"the approval by {last.by} {why}; chaos gameday approve {day.id} --by NAME"
    return f"nobody has approved it; chaos gameday approve {day.id} --by NAME"
