"""What the exit codes of `chaos` mean: a contract with scripts and CI."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Codes are added, never changed."""

    PASS = 0
    FAIL = 1
    """An objective was missed."""
    USAGE = 2
    """A file or an option is wrong, or the run was refused."""
    INCONCLUSIVE = 3
    ABORTED = 4
    """A stop condition or a signal ended the run; everything was put back."""
    ROLLBACK_INCOMPLETE = 5
    """Something is still broken."""
    UNUSABLE = 6
    """The environment could not be used."""
