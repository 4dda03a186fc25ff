"""The facilitator's terminal: it stops before each experiment, and takes notes all along."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TextIO

from chaos.engine.clock import Clock
from chaos.gameday.conduct import Go
from chaos.gameday.day import Day, DayRun, RunStatus
from chaos.gameday.message import Planned
from chaos.gameday.note_taking import HINT, NoteTaker
from chaos.gameday.selection import Chosen
from chaos.gameday.store import Store
from chaos.model.gameday import GameDay
from chaos.model.problems import ChaosError

_LOOK_EVERY = 0.1
"""Seconds between two looks at whether to stop waiting for an answer."""


class Keyboard:
    """Lines as they are typed: notes while an experiment runs, else answers to questions."""

    def __init__(self, source: TextIO, note: Callable[[str], None]) -> None:
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.noting = threading.Event()
        """Set while an experiment runs."""
        self._note = note
        self._source = source
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, question: str, stopped: Callable[[], object]) -> str | None:
        """The next line; None where nobody is there any more, or it is to stop."""
        print(question, end="", flush=True)
        while not stopped():
            try:
                return self._answers.get(timeout=_LOOK_EVERY)
            except queue.Empty:
                continue
        return None

    def _read(self) -> None:
        for line in self._source:
            if self.noting.is_set():
                self._note(line)
            else:
                self._answers.put(line.strip())
        self._answers.put(None)


class AtTheTerminal:
    """A facilitator who sits there."""

    def __init__(
        self, store: Store, gameday: GameDay, by: str, source: TextIO, clock: Clock
    ) -> None:
        self._store, self._gameday, self._by, self._clock = store, gameday, by, clock
        self._source = source
        self._keyboard: Keyboard | None = None
        self._day: Day | None = None
        self.plan: Callable[[Day], list[Planned]] = lambda _: []
        self.stopped: Callable[[], object] = lambda: None

    def before(self, day: Day, chosen: Chosen, of: int) -> Go:
        """Show the hypothesis and what is expected; wait for the word."""
        keyboard = self._open(day)
        planned = self.plan(day)[chosen.position - 1]
        print(f"\n--- {chosen.position} of {of}: {planned.title}")
        for objective in planned.objectives:
            print(f"    holds if      {objective}")
        if chosen.use.expect:
            print(f"    expected      {chosen.use.expect}")
        answer = keyboard.ask("    Enter begins, s skips, q ends the day: ", self.stopped)
        if answer is None:
            print()
            return Go.STOP
        choice = {"q": Go.STOP, "s": Go.SKIP}.get(answer.lower(), Go.RUN)
        if choice is Go.RUN:
            print(f"    notes at any time: {HINT}", flush=True)
            keyboard.noting.set()
        return choice

    def after(self, _day: Day, run: DayRun) -> None:
        """Say how it went; take notes until there are no more."""
        if self._keyboard is not None:
            self._keyboard.noting.clear()
        print(f"\n    {run.status.upper()}  {run.said}")
        if run.status is RunStatus.SKIPPED or self._keyboard is None:
            return
        while line := self._keyboard.ask("    note (Enter: no more): ", self.stopped):
            self._keep(line)

    def _open(self, day: Day) -> Keyboard:
        """Typed lines are read from the first experiment on."""
        self._day = day
        self._keyboard = self._keyboard or Keyboard(self._source, self._keep)
        return self._keyboard

    def _keep(self, line: str) -> None:
        if self._day is None:
            return
        taker = NoteTaker(self._day.id, self._by, self._gameday.participants)
        try:
            note = taker.read(line, self._clock.now())
        except ChaosError as error:
            print(f"    not noted: {error}")
            return
        if note:
            self._store.keep(note)
            print(f"    noted: {note.by}: {note.text} ({note.kind})")
