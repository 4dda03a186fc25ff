"""Real runs that get a real signal at any point, and what `chaos recover` then leaves changed."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass

from chaos.exit_codes import ExitCode
from tests.chaos_command import Chaos

ENDED_WITHIN = 60.0
"""Seconds that a run may take to end after a signal."""


@dataclass(frozen=True)
class Point:
    """A moment of a run: so many seconds after its journal has so many lines."""

    lines: int
    after: float

    def __str__(self) -> str:
        return f"{self.lines} lines + {self.after:g} s"


POINTS = (
    *(Point(0, seconds) for seconds in (0.1, 0.5)),
    *(Point(lines, seconds) for lines in range(1, 10) for seconds in (0.0, 0.02)),
)
"""Twenty, from before the run can have touched anything to after its end.

The nine lines of its journal come right before and after each thing it does to AWS.
"""

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

_WORKS_ON = {
    "aws:ec2:stop-instances": "aws:ec2:instance",
    "aws:network:disrupt-connectivity": "aws:ec2:subnet",
    "aws:rds:stop-db-instances": "aws:rds:db",
    "aws:autoscaling:suspend-processes": "aws:ec2:autoscaling-group",
    "aws:iam:deny-actions": "aws:iam:role",
}
_PARAMETERS: Mapping[str, str] = {
    "aws:network:disrupt-connectivity": "{scope: all}",
    "aws:iam:deny-actions": "{actions: ['dynamodb:*']}",
}

ARMED = 'dead_mans_switch = {role_arn = "arn:aws:iam::123456789012:role/heal", grace = "30s"}\n'
"""For the environment's settings: what heals when nobody does is to be put away as well."""

ACTIONS = tuple(_WORKS_ON)


def write_experiment(chaos: Chaos, action: str) -> str:
    """An experiment of that action alone, without load, that is over in a second or two."""
    (chaos.directory / "experiment.yaml").write_text(
        "title: To be interrupted\n"
        "targets:\n"
        f"  some: {{type: '{_WORKS_ON[action]}', tags: {{app: shop}}, select: count(2)}}\n"
        "actions:\n"
        f"  fault: {{action: '{action}', targets: some, duration: 300ms, "
        f"parameters: {_PARAMETERS.get(action, '{}')}}}\n"
        "blast_radius: {max_percent: 100}\n"
    )
    return "experiment.yaml"


@dataclass(frozen=True)
class Ended:
    """How a run ended, and its recovery, where it needed one."""

    code: int
    output: str
    recovery: subprocess.CompletedProcess[str] | None

    @property
    def troubles(self) -> list[str]:
        """What a user should not have seen."""
        said = self.output + (self.recovery.stdout + self.recovery.stderr if self.recovery else "")
        found = ["a traceback"] if "Traceback" in said else []
        if self.recovery and self.recovery.returncode != 0:
            found.append(f"recover ended with {self.recovery.returncode}")
        if self.code == -signal.SIGABRT or (self.code > 0 and self.code != ExitCode.ABORTED):
            found.append(f"the run ended with {self.code}")
        return [f"{trouble}:\n{said}" for trouble in found]


def interrupt(chaos: Chaos, action: str, number: signal.Signals, point: Point) -> Ended:
    """Start the command's first run, send it the signal there, and recover if it was killed."""
    file = write_experiment(chaos, action)
    chaos.environment["PYTHONFAULTHANDLER"] = "1"
    with chaos.running("run", file, "--env", "shared", "--plain") as process:
        _await(chaos, process, point)
        process.send_signal(number)
        output = _output_of(process)
    killed = process.returncode < 0
    return Ended(process.returncode, output, chaos("recover") if killed else None)


def _output_of(process: subprocess.Popen[str]) -> str:
    """All that it says until its end; one that does not end is made to say where it hangs."""
    try:
        return process.communicate(timeout=ENDED_WITHIN)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        return f"it did not end within {ENDED_WITHIN:g} s\n{process.communicate()[0]}"


def _await(chaos: Chaos, process: subprocess.Popen[str], point: Point) -> None:
    """Return at the point, or when the run has ended before it."""
    deadline = time.monotonic() + ENDED_WITHIN
    while process.poll() is None and _journal_lines(chaos) < point.lines:
        assert time.monotonic() < deadline, f"the run has not come to {point}"
        time.sleep(0.001)
    time.sleep(point.after)


def _journal_lines(chaos: Chaos) -> int:
    journals = chaos.reports.glob("[0-9]*/journal.jsonl")
    return sum(journal.read_bytes().count(b"\n") for journal in journals)
