"""A person at a terminal is asked before anything outside of the lab is broken."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from chaos.aws.clients import BotoClients
from tests.chaos_command import CHAOS, Chaos
from tests.test_aws import launch, state_of

STOP = """
title: One stops
targets:
  one: {type: aws:ec2:instance, tags: {app: shop}}
actions:
  stop: {action: aws:ec2:stop-instances, targets: one, duration: 0s}
"""


def at_a_terminal(chaos: Chaos, answer: str, *words: str) -> tuple[int, str]:
    """The command's exit code and what stood on the terminal, where a person types `answer`."""
    ours, theirs = pty.openpty()
    command = [*CHAOS, "run", "stop.yaml", "--env", "shared", "--plain", *words]
    with subprocess.Popen(
        command,
        cwd=chaos.directory,
        env=chaos.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        os.write(ours, answer.encode())
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # Linux's way to say that the other side is closed
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    return process.returncode, shown.decode()


@pytest.mark.parametrize(
    ("answer", "words", "code"),
    [("n\n", (), 2), ("\n", (), 2), ("yes\n", (), 0), ("", ("--yes",), 0)],
)
def test_only_a_yes_lets_it_begin(
    aws: BotoClients, tmp_path: Path, answer: str, words: tuple[str, ...], code: int
) -> None:
    """The plan is shown with the question; --yes leaves both out."""
    chaos = Chaos(tmp_path)
    chaos.use_api(aws)
    (tmp_path / "stop.yaml").write_text(STOP)
    ids = launch(aws, 1, app="shop")
    ended, shown = at_a_terminal(chaos, answer, *words)
    assert ended == code, shown
    assert ("run this in shared, 123456789012? [y/N]" in shown) == (not words)
    assert ("not confirmed, so nothing was touched" in shown) == (code != 0)
    assert set(state_of(aws, ids).values()) == {"running"}
    assert any((tmp_path / "reports").glob("2*/report.html")) == (code == 0)
