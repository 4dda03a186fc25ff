"""From the end of the last phase to the finished report, for runs of growing length."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from chaos.engine.journal import FileJournal, PhasesEnded, PhaseStarted, RunEnded, RunStarted
from chaos.engine.load_feed import FILE_NAME
from chaos.engine.stored_run import read_run
from chaos.measure.recording import Outcome, Recording
from chaos.measure.run import Ending, PhaseName
from chaos.model.experiment import Experiment
from chaos.report.conclude import conclude
from chaos.report.write import write_report

GOAL = 2.0
RATE = 100
ENDPOINTS = 5
BEGIN = 1_800_000_000

EXPERIMENT = Experiment.model_validate(
    {
        "title": "A long day",
        "load": {"locustfile": "load.py", "rate": f"{RATE}/s"},
        "slos": [
            {"sli": "availability", "objective": ">= 99.9%"},
            {"sli": "error_rate", "objective": "<= 0.1%"},
            {"sli": "latency", "percentile": 50, "objective": "<= 100ms"},
            {"sli": "latency", "percentile": 99, "objective": "<= 800ms"},
        ],
    }
)


def store_run(directory: Path, seconds: int) -> None:
    """A run of that length as the engine leaves it behind."""
    journal = FileJournal(directory)
    journal.write(
        RunStarted(
            at=BEGIN,
            run_id="bench",
            experiment=EXPERIMENT,
            file="bench.yaml",
            environment="bench",
            account=None,
            region=None,
            seed=1,
        )
    )
    journal.write(PhaseStarted(at=BEGIN, phase=PhaseName.BASELINE))
    with (directory / FILE_NAME).open("w") as file:
        for second in range(BEGIN, BEGIN + seconds):
            file.write(one_second(second) + "\n")
    journal.write(PhasesEnded(at=BEGIN + seconds))
    journal.write(RunEnded(at=BEGIN + seconds, ending=Ending.COMPLETED, reason=""))
    journal.close()


def one_second(second: int) -> str:
    """A line of load: some slow, now and then one that fails."""
    recording = Recording()
    for n in range(RATE):
        due = second + n / RATE
        outcome = Outcome.FAILED if (second * RATE + n) % 4001 == 0 else Outcome.OK
        took = 0.005 + (n * 37 % 101) / 1000
        recording.record(f"GET /{n % ENDPOINTS}", outcome, due, due, due + took)
    return json.dumps(recording.to_json())


def main() -> None:
    """Read, judge and write."""
    for seconds in (60, 600, 3600):
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            store_run(directory, seconds)
            began = time.monotonic()
            stored = read_run(directory)
            result = conclude(stored.experiment, stored.run)
            write_report(result, directory)
            took = time.monotonic() - began
        print(f"run of {seconds:>4} s   {took:5.2f} s  (goal <= {GOAL:g})")
