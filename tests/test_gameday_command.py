"""`chaos gameday` as a user calls it, against a plain HTTP service without AWS."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer

import pytest

from chaos.cli import main
from chaos.gameday.store import FILE_NAME, Store
from tests.chaos_command import CHAOS, Chaos
from tests.eventually import eventually
from tests.receivers import Received, mail_server, webhook

Call = Callable[..., tuple[int, str]]

EXPERIMENT = """\
title: The service answers
phases: {baseline: "${seconds}"}
variables: {seconds: 500ms}
steady_state: [{http: "${host}/health"}]
probes: {health: {http: "${host}/health", every: 50ms}}
slos: [{sli: availability, probe: health, objective: ">= 50%"}]
"""


@pytest.fixture
def service() -> Iterator[Received]:
    """An HTTP service that is tested, and told of the day."""
    with webhook() as received:
        yield received


@pytest.fixture
def chaos(tmp_path: Path, service: Received) -> Chaos:
    """The command, in a directory with a game day of two quick experiments."""
    (tmp_path / "chaos.toml").write_text(f'[environments.here]\nhost = "{service.url}"\n')
    (tmp_path / "answers.yaml").write_text(EXPERIMENT)
    (tmp_path / "day.yaml").write_text(
        "title: A day\n"
        "environment: here\n"
        "participants: [{name: Lead}]\n"
        "approval: {required: true}\n"
        "experiments: [answers.yaml, answers.yaml]\n"
        f"notifications: {{channels: [{{webhook: '{service.url}/told'}}]}}\n"
    )
    return Chaos(tmp_path)


@pytest.fixture
def call(chaos: Chaos, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls `chaos gameday` in this process, which is quicker: exit code and what was said."""
    monkeypatch.chdir(chaos.directory)
    monkeypatch.setenv("XDG_STATE_HOME", str(chaos.directory / "state"))

    def call_it(*words: str) -> tuple[int, str]:
        code = main(["gameday", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call_it


def test_a_day_from_the_refusal_to_the_joined_report(
    call: Call, chaos: Chaos, service: Received
) -> None:
    """Refused without approval; approved by the id that was named; run; a follow-up added."""
    file = chaos.directory / "day.yaml"
    file.write_text(file.read_text().replace("[answers.yaml, answers.yaml]", "[answers.yaml]"))
    code, said = call("run", "day.yaml")
    assert code == 2, said
    name = said.partition("gameday approve ")[2].split()[0].rstrip(")")
    assert call("approve", name, "--by", "Oncall")[0] == 0
    code, said = call("run", "day.yaml")
    assert code == 0, said
    occasions = [body["occasion"] for path, body in service.posts if path == "/told"]
    assert occasions == ["abort", "before", "after"]
    page = chaos.directory / said.split("report  ")[1].split()[0]
    assert page.read_text().count("The service answers") >= 2
    assert call("note", page.parent.name, "alert earlier", "--by", "Lead", "--follow-up")[0] == 0
    assert "alert earlier" in page.read_text()
    history = call("history")[1].splitlines()
    assert ["refused" in history[0], "passed" in history[1]] == [True, True]


def test_in_step_mode_the_facilitator_leads_and_notes_are_taken(call: Call, chaos: Chaos) -> None:
    """It waits before each experiment, and for the last note after it."""
    call("approve", "day.yaml", "--by", "Oncall")
    words = [*CHAOS, "gameday", "run", "day.yaml", "--step", "--by", "Observer"]
    with subprocess.Popen(
        words,
        cwd=chaos.directory,
        env=chaos.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        watchdog = Timer(60, process.kill)
        watchdog.start()
        for prompt, answer in (
            ("ends the day: ", ""),
            ("baseline begins", "!Lead: I saw it"),
            ("no more): ", ">do it better"),
            ("no more): ", ""),
            ("ends the day: ", "s"),
        ):
            await_text(process, prompt)
            assert process.stdin is not None
            process.stdin.write(f"{answer}\n".encode())
            process.stdin.flush()
        said, _ = process.communicate()
        watchdog.cancel()
    assert process.returncode == 0, said.decode()
    report = next(chaos.reports.glob("day-*/gameday.md")).read_text()
    assert "**Lead**: noticed: I saw it" in report
    assert "**Observer**: do it better" in report
    assert "1 skipped" in report


def test_secrets_reach_their_channels_and_nothing_that_is_written_or_said(
    call: Call, chaos: Chaos, service: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of webhooks and mail; also where those who are sent one repeat it."""
    monkeypatch.setenv("HOOK", f"{service.url}/planted-token-4be1")
    monkeypatch.setenv("MAIL", "planted-mail-password-c07d")
    with mail_server() as mail:
        (chaos.directory / "day.yaml").write_text(
            "title: A day\n"
            "environment: here\n"
            "experiments: [answers.yaml]\n"
            "preconditions: [{ask: '${env:HOOK}'}]\n"
            "notifications:\n"
            "  channels:\n"
            "    - slack: ${env:HOOK}\n"
            "    - email: a@example.com\n"
            "      from: b@example.com\n"
            f"      smtp: {{host: 127.0.0.1, port: {mail.port}, starttls: false, user: me,\n"
            "             password: '${env:MAIL}'}\n"
        )
        code, said = call("run", "day.yaml")
        assert code == 0, said
        service.answer = b'{"allow": false, "reason": "planted-token-4be1 is not welcome"}'
        refused = call("run", "day.yaml")
    assert refused[0] == 2
    assert "*** is not welcome" in refused[1]
    assert {path for path, _ in service.posts} == {"/planted-token-4be1"}
    assert set(mail.logins) == {"\0me\0planted-mail-password-c07d"}
    report = next(chaos.reports.glob("day-*/gameday.md")).read_text()
    assert "email was not told (before): the mail server refused the login (535)" in report
    said += refused[1] + call("history")[1] + call("plan", "day.yaml")[1]
    files = [path for path in chaos.directory.rglob("*") if path.is_file()]
    assert {"gameday.html", FILE_NAME} <= {path.name for path in files}
    assert not [path for path in files if b"planted" in path.read_bytes()]
    assert "planted" not in said + str([body for _, body in service.posts])


def await_text(process: subprocess.Popen[bytes], text: str) -> None:
    """Read on until that was printed."""
    assert process.stdout is not None
    seen = b""
    while not seen.endswith(text.encode()):
        byte = process.stdout.read(1)
        assert byte, f"ended without {text!r}: {seen.decode()}"
        seen += byte


def test_a_wrong_day_or_experiment_is_explained_before_anything_runs(
    call: Call, chaos: Chaos
) -> None:
    """By validate, and by run, with the places in both files."""
    (chaos.directory / "answers.yaml").write_text(EXPERIMENT.replace("phases", "fases"))
    for command in ("validate", "run", "plan"):
        code, said = call(command, "day.yaml")
        assert code == 2
        assert said.count("answers.yaml:2:1: unknown key fases; did you mean phases?") == 1
    assert not list(chaos.reports.glob("day-*"))


def test_a_scheduled_day_runs_once_however_often_it_is_called(call: Call, chaos: Chaos) -> None:
    """As cron, a timer or a CronJob call it; before its time there is nothing to do."""
    day = (chaos.directory / "day.yaml").read_text().replace("required: true", "required: false")
    day = day.replace("[answers.yaml, answers.yaml]", "[answers.yaml]")
    now = datetime.now(UTC)
    for name, when in (("due", now - timedelta(minutes=2)), ("later", now + timedelta(days=1))):
        schedule = f"schedule: {{at: '{when:%Y-%m-%d %H:%M}'}}\n"
        (chaos.directory / f"{name}.yaml").write_text(day + schedule)
    code, said = call("run", "due.yaml", "--scheduled")
    assert code == 0, said
    assert "PASSED" in said
    code, said = call("run", "due.yaml", "--scheduled")
    assert (code, "has been run" in said) == (0, True)
    assert call("run", "later.yaml", "--scheduled") == (0, "later: nothing is due now\n")
    coming = call("next", "due.yaml", "later.yaml")[1].splitlines()
    assert len(coming) == 1
    assert "later-" in coming[0]


def test_a_plan_shows_what_will_run_and_what_must_be_so(call: Call) -> None:
    """Without touching anything; its id can be approved."""
    code, said = call("plan", "day.yaml")
    assert code == 0
    for line in ("1. The service answers", "approval       required", "tells          webhook"):
        assert line in said
    assert call("approve", "day", "--by", "Lead")[0] == 0
    assert call("approve", "nothing", "--by", "Lead")[0] == 2


def slow_day(chaos: Chaos, schedule: str = "") -> None:
    """Let the first experiment last for a minute, without an approval."""
    file = chaos.directory / "day.yaml"
    day = file.read_text().replace("required: true", "required: false")
    slow = "[{file: answers.yaml, variables: {seconds: 60s}},"
    file.write_text(day.replace("[answers.yaml,", slow) + schedule)


def due_now(chaos: Chaos) -> None:
    """Let the slow day be due since a minute, and a scheduler have known of it."""
    now = datetime.now(UTC)
    slow_day(chaos, f"schedule: {{at: '{now - timedelta(minutes=1):%Y-%m-%d %H:%M}'}}\n")
    store = Store(chaos.reports / FILE_NAME)
    store.see("day", now.timestamp() - 180)
    store.close()


def await_run(chaos: Chaos) -> None:
    """Return once an experiment is under way."""

    def measures() -> bool:
        journals = chaos.reports.glob("*/journal.jsonl")
        return any("phase-started" in journal.read_text() for journal in journals)

    eventually(measures, 30, "an experiment is under way")


def assert_ended_in_order(call: Call, chaos: Chaos, service: Received) -> None:
    """The day was aborted, written up, and told of."""
    report = next(chaos.reports.glob("day-*/gameday.md")).read_text()
    assert "interrupted by SIGTERM" in report
    told = [body["occasion"] for path, body in service.posts if path == "/told"]
    assert told == ["before", "abort"]
    assert "aborted" in call("history")[1]


def test_a_run_that_is_interrupted_ends_the_day_as_aborted(
    call: Call, chaos: Chaos, service: Received
) -> None:
    """SIGTERM in the middle of an experiment: everything is put back, exit 4."""
    slow_day(chaos)
    with chaos.running("gameday", "run", "day.yaml") as running:
        await_run(chaos)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=30) == 4
    assert_ended_in_order(call, chaos, service)


def test_a_run_that_was_killed_is_seen_and_closed(
    call: Call, chaos: Chaos, service: Received
) -> None:
    """By history and status at once; by the next run in the store, in a report, and to people."""
    slow_day(chaos)
    with chaos.running("gameday", "run", "day.yaml") as running:
        await_run(chaos)
        assert "running" in call("history")[1]
        running.kill()
        running.wait()
    assert "interrupted" in call("history")[1]
    assert "  running" not in call("status", "day.yaml")[1]
    service.posts.clear()
    file = chaos.directory / "day.yaml"
    file.write_text(file.read_text() + "blackouts: [{from: 2000-01-01, to: 2999-12-31}]\n")
    assert call("run", "day.yaml")[0] == 2
    assert [body["status"] for _, body in service.posts] == ["interrupted", "refused"]
    report = next(chaos.reports.glob("day-*/gameday.md")).read_text()
    assert f"(../{chaos.run_directory().name}/" in report


def test_the_daemon_runs_what_is_due_and_ends_in_order(
    call: Call, chaos: Chaos, service: Received
) -> None:
    """Due since a minute when it starts; SIGTERM aborts the experiment, then the daemon ends."""
    due_now(chaos)
    with chaos.running("gameday", "serve", "day.yaml") as daemon:
        await_run(chaos)
        assert "a scheduler is running" in call("status", "day.yaml")[1]
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(timeout=30) == 0
    assert_ended_in_order(call, chaos, service)
    assert "no scheduler is running" in call("status", "day.yaml")[1]


def test_a_daemon_that_was_killed_in_a_run_is_followed_by_one_that_tells(
    chaos: Chaos, service: Received
) -> None:
    """The run is recovered, the day closed as interrupted, written up, told of, not run again."""
    due_now(chaos)
    with chaos.running("gameday", "serve", "day.yaml") as daemon:
        await_run(chaos)
        daemon.kill()
    with chaos.running("gameday", "serve", "day.yaml"):
        pages = chaos.reports
        eventually(lambda: list(pages.glob("day-*/gameday.md")), 30, "the report is written")
        eventually(lambda: len(service.posts) > 1, 10, "people are told")
    assert [body["occasion"] for _, body in service.posts] == ["before", "abort"]
    assert service.posts[-1][1]["status"] == "interrupted"
    (journal,) = chaos.reports.glob("*/journal.jsonl")
    assert "nothing was left broken" in journal.read_text()
