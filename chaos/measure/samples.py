"""What a probe saw, sample by sample, on its fixed schedule."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer, or the lack of one."""

    due_at: float
    """When it was to be asked; seconds since the epoch."""
    took: float
    """Seconds from then until the answer was there, or was given up."""
    good: bool
    timed_out: bool = False
    """Whether it was given up, rather than answered badly."""


@dataclass(frozen=True, slots=True)
class SampleSeries:
    """All samples of one probe, in the order in which they were due."""

    name: str
    """As the experiment names the probe."""
    every: float
    """Seconds between two samples."""
    samples: tuple[Sample, ...]

    def between(self, start: float, end: float) -> tuple[Sample, ...]:
        """Those that were due in `[start, end)`."""
        return tuple(sample for sample in self.samples if start <= sample.due_at < end)
