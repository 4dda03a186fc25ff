"""Probes asked on a fixed schedule that never waits for an answer."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from pathlib import Path
from queue import SimpleQueue

from chaos.measure.samples import Sample, SampleSeries
from chaos.model.probe import Probe
from chaos.probes.ask import ask
from chaos.probes.observation import Surroundings

FILE_NAME = "samples.jsonl"
"""One JSON line per look: `[probe, every, [[due_at, took, good, timed_out], ...]]`."""

MOST_AT_ONCE = 100
"""Answers of one probe that may be awaited at the same time."""


class Sampler:
    """Asks each probe again and again, each sample in its own time, whatever the others do."""

    def __init__(self, probes: Mapping[str, Probe], around: Surroundings, directory: Path) -> None:
        self._probes = probes
        self._around = around
        self._file = directory / FILE_NAME
        self._news: SimpleQueue[tuple[str, Sample]] = SimpleQueue()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self.series: dict[str, list[Sample]] = defaultdict(list)

    def begin(self, at: float) -> None:
        """Ask from `at` on, in seconds since the epoch."""
        offset = time.time() - time.monotonic()
        for name, probe in self._probes.items():
            arguments = (name, probe, at - offset, offset)
            thread = threading.Thread(target=self._keep_asking, args=arguments, daemon=True)
            thread.start()
            self._threads.append(thread)

    def collect(self) -> None:
        """Take in the answers there are, and write them down.

        Raises:
            OSError: they could not be written.
        """
        news: dict[str, list[Sample]] = defaultdict(list)
        while not self._news.empty():
            name, sample = self._news.get()
            news[name].append(sample)
            self.series[name].append(sample)
        if news:
            with self._file.open("a", encoding="utf-8") as file:
                for name, samples in news.items():
                    rows = [[s.due_at, s.took, s.good, s.timed_out] for s in samples]
                    file.write(json.dumps([name, self._probes[name].interval, rows]) + "\n")

    def so_far(self) -> tuple[SampleSeries, ...]:
        """All answers taken in until now."""
        return tuple(
            SampleSeries(name, self._probes[name].interval, tuple(samples))
            for name, samples in self.series.items()
        )

    def end(self) -> None:
        """Ask no more; answers that are awaited are waited for."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self.collect()

    def _keep_asking(self, name: str, probe: Probe, begin: float, offset: float) -> None:
        at_once = min(MOST_AT_ONCE, math.ceil(probe.patience / probe.interval) + 2)
        with ThreadPoolExecutor(at_once, thread_name_prefix=f"probe-{name}") as pool:
            number = 0
            due = begin
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                pool.submit(self._ask_once, name, probe, due, offset)
                number += 1
                due = begin + number * probe.interval

    def _ask_once(self, name: str, probe: Probe, due: float, offset: float) -> None:
        observation = ask(probe, self._around)
        took = time.monotonic() - due
        given_up = not observation.good and took >= probe.patience
        self._news.put((name, Sample(due + offset, took, observation.good, given_up)))


def read_samples(directory: Path) -> tuple[SampleSeries, ...]:
    """All samples of a stored run; a last line torn by a crash is left out."""
    file = directory / FILE_NAME
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    every: dict[str, float] = {}
    samples: dict[str, list[Sample]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        try:
            name, interval, rows = json.loads(line)
        except ValueError:
            if number < len(lines):
                raise
            break
        every[name] = interval
        samples[name] += [Sample(*row) for row in rows]
    return tuple(
        SampleSeries(name, every[name], tuple(sorted(samples[name], key=attrgetter("due_at"))))
        for name in samples
    )
