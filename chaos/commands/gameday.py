"""`chaos gameday`: a series of experiments with people in the room, by hand or on a schedule."""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.exit_codes import ExitCode

if TYPE_CHECKING:
    from chaos.gameday.day import Day
    from chaos.gameday.store import Store
    from chaos.gamedays import GameDays
    from chaos.model.environment import Settings
    from chaos.model.gameday_loading import LoadedGameDay

_Run = Callable[[argparse.Namespace], int]

_NEXT = 5
"""How many days `next` shows of each file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-commands and their options."""
    commands = parser.add_subparsers(dest="gameday_command", required=True, metavar="COMMAND")
    validate = _add(commands, "validate", _validate, "check game days and their experiments")
    validate.add_argument("files", metavar="FILE", nargs="+", type=Path)
    plan = _add(commands, "plan", _plan, "show what the next one would do, and when")
    plan.add_argument("file", metavar="FILE", type=Path)
    _add_run(commands)
    approve = _add(commands, "approve", _approve, "say yes to one day, or the next of a file")
    approve.add_argument("what", metavar="ID|FILE")
    approve.add_argument("--by", metavar="NAME", required=True, help="who says yes")
    _add_note(commands)
    status = _add(commands, "status", _status, "what is due, waits or runs")
    status.add_argument("files", metavar="FILE", nargs="+", type=Path)
    coming = _add(commands, "next", _next, "when they run next")
    coming.add_argument("files", metavar="FILE", nargs="+", type=Path)
    coming.add_argument("-n", "--count", metavar="N", type=int, default=_NEXT)
    _add(commands, "history", _history, "the game days there were")
    serve = _add(commands, "serve", _serve, "run them when they are due, until stopped")
    serve.add_argument("files", metavar="FILE", nargs="+", type=Path)
    _add_export(commands)
    parser.epilog = (
        "exit codes: 0 passed, 1 failed, 2 invalid or not allowed to begin, 3 inconclusive, "
        "4 aborted and rolled back, 5 something is still broken, 6 environment not usable"
    )


def run(options: argparse.Namespace) -> int:
    """Carry out the sub-command; the exit code."""
    execute: _Run = options.gameday_run
    return execute(options)


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    execute: _Run,
    summary: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=summary)
    parser.add_argument("--reports", metavar="DIR", type=Path, default=Path("reports"))
    parser.add_argument("--config", metavar="FILE", type=Path, help="instead of chaos.toml")
    parser.set_defaults(gameday_run=execute)
    return parser


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = _add(commands, "run", _run, "run one now")
    run.add_argument("file", metavar="FILE", type=Path)
    run.add_argument(
        "--step", action="store_true", help="wait before each experiment, and take notes"
    )
    run.add_argument(
        "--scheduled", action="store_true", help="only if it is due, and once: for cron and others"
    )
    run.add_argument("--by", metavar="NAME", default=getpass.getuser(), help="who takes notes")
    run.add_argument("--plain", action="store_true", help="lines instead of a live view")


def _add_note(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    note = _add(commands, "note", _note, "add what someone saw to a day, from any terminal")
    note.add_argument("id", metavar="ID")
    note.add_argument("text", metavar="TEXT")
    note.add_argument("--by", metavar="NAME", default=getpass.getuser())
    note.add_argument("--at", metavar="HH:MM:SS", help="when it was; default: now")
    kind = note.add_mutually_exclusive_group()
    kind.add_argument("--detected", action="store_true", help="this is when it was noticed")
    kind.add_argument("--follow-up", action="store_true", help="this is to be done")


def _add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from chaos.gameday.export import FORMATS

    export = _add(commands, "export", _export, "write the schedule for another scheduler")
    export.add_argument("file", metavar="FILE", type=Path)
    export.add_argument("--to", choices=FORMATS, required=True)
    export.add_argument(
        "--image", default="chaos", help="the container's image (kubernetes, eventbridge)"
    )


def _validate(options: argparse.Namespace) -> int:
    from chaos.gamedays import check_experiments
    from chaos.model.gameday_loading import load_gameday
    from chaos.model.problems import InvalidInput

    wrong, settings = 0, _settings(options)
    for file in options.files:
        try:
            loaded = load_gameday(file)
            check_experiments(settings, loaded)
        except InvalidInput as error:
            wrong += len(error.problems)
            print(error, file=sys.stderr)
        else:
            print(f"{file}: valid ({loaded.gameday.title})")
    return ExitCode.USAGE if wrong else ExitCode.PASS


def _plan(options: argparse.Namespace) -> int:
    from chaos.gameday.calendar import next_occurrence
    from chaos.gameday.day import day_id
    from chaos.gamedays import check_experiments
    from chaos.model.gameday_loading import load_gameday
    from chaos.terminal.gameday import plan_lines

    loaded = load_gameday(options.file)
    coming = next_occurrence(loaded.gameday, time.time())
    name = day_id(loaded.name, coming.declared_for) if coming else loaded.name
    with _gamedays(options) as gamedays:
        check_experiments(gamedays.settings, loaded)
        gamedays.store.know(loaded.name, loaded.file)
        print("\n".join(plan_lines(loaded, name, coming, gamedays.plan(loaded, name))))
    return ExitCode.PASS


def _run(options: argparse.Namespace) -> int:
    from chaos.gamedays import check_experiments, exit_code_of
    from chaos.model.gameday_loading import load_gameday
    from chaos.terminal.gameday import summary_lines

    loaded = load_gameday(options.file)
    with _gamedays(options, plain=options.plain or options.step) as gamedays:
        check_experiments(gamedays.settings, loaded)
        gamedays.store.know(loaded.name, loaded.file)
        gamedays.close_interrupted(loaded)
        choose_day = _day_that_is_due if options.scheduled else _day_now
        day = choose_day(loaded, gamedays)
        if day is None:
            return ExitCode.PASS
        with _signals(gamedays):
            done = _with_facilitator(gamedays, loaded, options).run(loaded, day)
        runs, notes = gamedays.store.runs(day.id), gamedays.store.notes(day.id)
        print("\n".join(summary_lines(done, runs, notes)))
        if runs:
            print(f"report  {options.reports / day.id / 'gameday.html'}")
    return exit_code_of(done)


def _day_now(loaded: LoadedGameDay, gamedays: GameDays) -> Day:
    """A day of its own, its right to run taken; two may begin in the same second."""
    from itertools import count

    from chaos.gameday.calendar import Occurrence
    from chaos.gameday.day import DayStatus
    from chaos.gameday.scheduler import day_of

    now = gamedays.halt.clock.now()
    days = (day_of(loaded, Occurrence(now, now + n), DayStatus.DUE) for n in count())
    return next(day for day in days if gamedays.begin(day, now))


def _day_that_is_due(loaded: LoadedGameDay, gamedays: GameDays) -> Day | None:
    """The day, its right to run taken; None where nothing is due, or another process has it."""
    from chaos.gameday.day import DayStatus
    from chaos.gameday.due import due_now
    from chaos.gameday.scheduler import day_of

    clock = gamedays.halt.clock
    occurrence = due_now(loaded.gameday, clock.now())
    if occurrence is None:
        print(f"{loaded.name}: nothing is due now")
        return None
    while (left := occurrence.starts_at - clock.now()) > 0:
        clock.sleep(left)
    day = day_of(loaded, occurrence, DayStatus.DUE)
    if gamedays.begin(day, clock.now()):
        return day
    print(f"{day.id} has been run, or is running: chaos gameday history")
    return None


def _with_facilitator(
    gamedays: GameDays, loaded: LoadedGameDay, options: argparse.Namespace
) -> GameDays:
    from dataclasses import replace

    from chaos.terminal.facilitator import AtTheTerminal

    if not options.step:
        return gamedays
    clock = gamedays.halt.clock
    person = AtTheTerminal(gamedays.store, loaded.gameday, options.by, sys.stdin, clock)
    person.plan = lambda day: gamedays.plan(loaded, day.id)
    person.stopped = gamedays.halt.asked_for
    return replace(gamedays, facilitator=person)


def _approve(options: argparse.Namespace) -> int:
    from chaos.gameday.approval import approve
    from chaos.measure.formats import moment
    from chaos.model.gameday_loading import load_gameday
    from chaos.model.problems import InvalidInput, Problem

    with closing(_store(options)) as store:
        file = store.file_of(options.what) or Path(options.what)
        if not file.is_file():
            said = f"no game day {options.what}: give an id that next shows, or a file"
            raise InvalidInput(Problem(said))
        loaded = load_gameday(file)
        given = approve(
            store, loaded, _to_approve(store, loaded, options.what), options.by, time.time()
        )
    print(f"{given.what} is approved by {given.by} until {moment(given.expires_at)}")
    return ExitCode.PASS


def _to_approve(store: Store, loaded: LoadedGameDay, what: str) -> str:
    """That day, or whichever is next: where a file is given, or the day is over."""
    day = store.day(what)
    is_id = what.startswith(f"{loaded.name}-") and not (day and day.status.is_over)
    return what if is_id else loaded.name


def _note(options: argparse.Namespace) -> int:
    from chaos.gameday.day import Note, NoteKind
    from chaos.gameday.note_taking import clock_time
    from chaos.gameday.write import write_day
    from chaos.model.gameday_loading import load_gameday
    from chaos.model.problems import InvalidInput, Problem

    kind = NoteKind.DETECTED if options.detected else NoteKind.NOTE
    kind = NoteKind.FOLLOW_UP if options.follow_up else kind
    now = time.time()
    at = clock_time(options.at, now, None) if options.at else now
    with closing(_store(options)) as store:
        day = store.day(options.id)
        if day is None:
            raise InvalidInput(Problem(f"no game day {options.id}; see chaos gameday history"))
        store.keep(Note(day.id, at, options.by, kind, options.text))
        if day.status.is_over:
            write_day(store, load_gameday(Path(day.file)), day, options.reports)
    print(f"noted: {options.by}: {options.text}")
    return ExitCode.PASS


def _status(options: argparse.Namespace) -> int:
    from chaos.gameday.leader import Leadership
    from chaos.model.gameday_loading import load_gameday
    from chaos.terminal.gameday import status_lines

    with closing(_store(options)) as store:
        leadership = Leadership(store.file)
        nobody = leadership.take()
        leadership.give_up()
        print("no scheduler is running" if nobody else "a scheduler is running")
        for file in options.files:
            loaded = load_gameday(file)
            days = [day for day in _days(store, options) if day.gameday == loaded.name]
            print(f"{loaded.name}: {loaded.gameday.title}")
            print("\n".join(status_lines(loaded.gameday, days, time.time())))
    return ExitCode.PASS


def _next(options: argparse.Namespace) -> int:
    from itertools import islice

    from chaos.gameday.calendar import DAY, occurrences
    from chaos.gameday.day import day_id
    from chaos.gameday.message import local_time
    from chaos.model.gameday_loading import load_gameday

    now = time.time()
    game_days = [load_gameday(file) for file in options.files]
    with closing(_store(options)) as store:
        for loaded in game_days:
            store.know(loaded.name, loaded.file)
    coming = [
        (
            one.starts_at,
            day_id(loaded.name, one.declared_for),
            local_time(loaded.gameday, one.starts_at),
        )
        for loaded in game_days
        for one in islice(occurrences(loaded.gameday, now, now + 366 * DAY), options.count)
    ]
    print("\n".join(f"{when}  {name}" for _, name, when in sorted(coming)) or "none is to come")
    return ExitCode.PASS


def _history(options: argparse.Namespace) -> int:
    from chaos.terminal.gameday import history_lines

    with closing(_store(options)) as store:
        print(
            "\n".join(history_lines(_days(store, options))) or f"no game day in {options.reports}"
        )
    return ExitCode.PASS


def _serve(options: argparse.Namespace) -> int:
    from chaos.gameday.files import WatchedFiles
    from chaos.gameday.scheduler import Scheduler, Work

    with _gamedays(options, plain=True) as gamedays:
        files = WatchedFiles(options.files, gamedays.say)
        work = Work(
            gamedays=files.read,
            begin=gamedays.begin,
            run=gamedays.run,
            announce=gamedays.announce,
            closed=gamedays.close,
            is_alive=gamedays.is_alive,
            recover=gamedays.recover,
        )
        scheduler = Scheduler(gamedays.store, gamedays.halt.clock, work)
        gamedays.say(f"serving {', '.join(one.name for one in files.read())}")
        with _signals(gamedays):
            scheduler.serve(stopping=lambda: gamedays.halt.reason is not None)
        gamedays.say(f"ended: {gamedays.halt.reason}")
    return ExitCode.PASS


def _export(options: argparse.Namespace) -> int:
    from chaos.gameday.export import export
    from chaos.model.gameday_loading import load_gameday

    print(export(load_gameday(options.file), options.to, options.image), end="")
    return ExitCode.PASS


def _store(options: argparse.Namespace) -> Store:
    from chaos.gameday.store import FILE_NAME, Store

    return Store(options.reports / FILE_NAME)


def _days(store: Store, options: argparse.Namespace) -> list[Day]:
    from chaos.engine.liveness import is_alive

    return store.days_now(lambda day: is_alive(options.reports / day.id))


def _settings(options: argparse.Namespace) -> Settings:
    from chaos.model.environment import find_settings_file, load_settings

    return load_settings(options.config or find_settings_file(Path.cwd()))


@contextmanager
def _gamedays(options: argparse.Namespace, *, plain: bool = False) -> Iterator[GameDays]:
    from chaos.gamedays import GameDays
    from chaos.terminal.watch import say, watch

    settings = _settings(options)
    with closing(_store(options)) as store:
        yield GameDays(
            store, options.reports, settings, say, lambda title: watch(title, plain=plain)
        )


@contextmanager
def _signals(gamedays: GameDays) -> Iterator[None]:
    """Ctrl-C and a polite kill end what is going on, in order."""
    import signal
    from types import FrameType

    from chaos.interrupting import handled_by

    def end(number: int, _frame: FrameType | None) -> None:
        gamedays.halt.now(f"interrupted by {signal.Signals(number).name}")

    with handled_by(end):
        yield
