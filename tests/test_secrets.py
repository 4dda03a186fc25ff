"""Planted secrets reach what they are for, and no journal, no report and no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.aws.clients import BotoClients
from chaos.model import secrets
from chaos.model.secrets import conceal, has_written_password
from tests.chaos_command import Chaos
from tests.test_aws import launch

PLANTED = {
    "API_TOKEN": "planted-token-1f6d",
    "DB_PASSWORD": "planted-db-password-77ab",
    "DATABASE_URL": "postgresql://shop:planted-in-url-90ce@127.0.0.1:1/shop",
    "AWS_SESSION_TOKEN": "planted-session-3b1e",
    "AWS_SECRET_ACCESS_KEY": "planted-aws-key-c4d2",
}
"""In the environment. Further ones are in the files, and in the command line."""

_TELL_ALL = f"import os, sys; sys.exit(' '.join(os.environ[name] for name in {[*PLANTED]}))"


class _Guarded(BaseHTTPRequestHandler):
    """Answers those who know the token."""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == f"Bearer {PLANTED['API_TOKEN']}"
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def service() -> Iterator[int]:
    """The port of a service that asks for the token."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Guarded)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def chaos(aws: BotoClients, tmp_path: Path) -> Chaos:
    """The command with secrets in its environment."""
    chaos = Chaos(tmp_path)
    chaos.use_api(
        aws,
        'host = "http://shop:planted-in-host-5e5e@127.0.0.1:1"',
        'variables = {password = "planted-variable-2a2a"}',
    )
    chaos.environment |= PLANTED
    return chaos


def write(chaos: Chaos, port: int, *, well: bool) -> Path:
    """An experiment with a secret wherever one can be; its steady state holds, or nothing does."""
    file = chaos.directory / "experiment.yaml"
    lines = [
        "title: Secrets",
        "variables: {other: planted-default-8d8d}",
        "targets: {some: {type: aws:ec2:instance, tags: {app: shop}}}",
        "actions: {stop: {action: aws:ec2:stop-instances, targets: some, duration: 300ms}}",
        "probes:",
        "  database: {sql: SELECT 1, url: '${env:DATABASE_URL}', every: 200ms}",
        "  variable: {sql: SELECT 1, url: 'postgresql://a:${password}@127.0.0.1:1/b'}",
        "steady_state:",
        f"  - http: http://127.0.0.1:{port}/",
        "    headers: {Authorization: 'Bearer ${env:API_TOKEN}'}",
    ]
    if not well:
        lines += [
            f"  - {{http: 'http://127.0.0.1:{port}/?token=${{env:DB_PASSWORD}}'}}",
            "  - {http: '${host}/health'}",
            "  - {sql: SELECT 1, url: 'postgresql://a:${env:DB_PASSWORD}@127.0.0.1:1/b'}",
            "  - {sql: SELECT 1, url: 'postgresql://a:${env:DB_PASSWORD}@127.0.0.1:port/b'}",
            "  - {sql: SELECT 1, url: '${env:DATABASE_URL}'}",
            "  - {sql: SELECT 1, url: 'postgresql://a:${other}@127.0.0.1:1/b'}",
            f'  - {{command: [{sys.executable}, -c, "{_TELL_ALL}"]}}',
            "  - {command: [cat, '/nowhere/${env:DB_PASSWORD}']}",
        ]
    file.write_text("\n".join(lines))
    return file


def leaks(chaos: Chaos, said: str) -> list[str]:
    """Where a planted secret is to be found that nobody has put there."""
    written = (path for path in chaos.directory.rglob("*") if path.is_file())
    inputs = {"experiment.yaml", "chaos.toml"}
    found = [str(p) for p in written if p.name not in inputs and b"planted-" in p.read_bytes()]
    return found + [line for line in said.splitlines() if "planted-" in line]


def test_a_run_uses_secrets_and_tells_none(chaos: Chaos, aws: BotoClients, service: int) -> None:
    """The service answers only whoever knows the token, so the steady state held: it was sent."""
    launch(aws, 2, app="shop")
    file = write(chaos, service, well=True)
    ran = chaos("run", file, "--env", "shared")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    names = {path.name for path in chaos.run_directory().iterdir()}
    assert {"journal.jsonl", "report.html", "report.json", "report.md", "junit.xml"} <= names
    planned = chaos("plan", file, "--env", "shared", "--json")
    assert '"${env:DATABASE_URL}"' in planned.stdout
    assert not leaks(chaos, ran.stdout + ran.stderr + planned.stdout + planned.stderr)


def test_what_goes_wrong_tells_no_secrets_either(
    chaos: Chaos, aws: BotoClients, service: int
) -> None:
    """Each probe fails in a way of its own, and one of them says all it knows."""
    launch(aws, 2, app="shop")
    ran = chaos("run", write(chaos, service, well=False), "--env", "shared")
    assert ran.returncode == 6
    journal = (chaos.run_directory() / "journal.jsonl").read_text()
    assert journal.count('"about":"probe"') == 9
    assert "exit 1: *** *** *** *** ***" in journal
    assert not leaks(chaos, ran.stdout + ran.stderr)


def test_a_saved_plan_without_its_password_is_refused(chaos: Chaos, aws: BotoClients) -> None:
    """It would be missed when the plan is run; a reference would do."""
    launch(aws, 1, app="shop")
    file = write(chaos, 1, well=True)
    saved = chaos("plan", file, "--env", "shared", "--save", "plan.json")
    assert saved.returncode == 2
    assert "write ${env:NAME} in its place" in saved.stderr
    assert not (chaos.directory / "plan.json").exists()
    assert not leaks(chaos, saved.stdout + saved.stderr)


def test_a_missing_secret_is_missed_before_the_run(chaos: Chaos, aws: BotoClients) -> None:
    """By its name."""
    launch(aws, 1, app="shop")
    del chaos.environment["API_TOKEN"]
    ran = chaos("run", write(chaos, 1, well=True), "--env", "shared")
    assert ran.returncode == 2
    assert "the environment variable API_TOKEN is not set" in ran.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("probes: {p: {sql: x, url: 'mysql://a:planted-1@b/c'}}", "mysql://a:***@b/c"),
        ("probes: {p: {http: x, headers: {Authorization: planted-2}}}", "write ${env:NAME}"),
        ("description: ${env:PLANTED}", "only probes and notifications are told"),
    ],
)
def test_a_file_with_a_secret_in_the_wrong_place_is_refused_without_showing_it(
    tmp_path: Path, wrong: str, said: str
) -> None:
    """By `chaos validate`, offline."""
    chaos = Chaos(tmp_path)
    (tmp_path / "experiment.yaml").write_text(f"title: Wrong\n{wrong}\n")
    checked = chaos("validate", "experiment.yaml")
    assert checked.returncode == 2
    assert said in checked.stdout + checked.stderr
    assert not leaks(chaos, checked.stdout + checked.stderr)


words = st.text(
    st.characters(codec="ascii", exclude_characters="/@: \\", categories=["L", "N", "P"])
)


@given(words, words.filter(bool), words.filter(bool))
def test_no_password_is_left_in_a_url(user: str, password: str, host: str) -> None:
    """Whatever it is made of, and the rest of the URL stays."""
    url = f"see postgresql://{user}:{password}@{host}/shop"
    if password.startswith("${env:") and password.endswith("}"):
        return
    assert conceal(url) == f"see postgresql://{user}:***@{host}/shop"
    assert has_written_password(url)


def test_what_is_revealed_is_concealed_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in words that do not come from the URL it is for."""
    monkeypatch.setenv("PLANTED", "correct horse")
    monkeypatch.setattr(secrets, "_known", set())
    assert conceal("correct horse") == "correct horse"
    assert secrets.reveal(("a", {"b": "${env:PLANTED}!"})) == ("a", {"b": "correct horse!"})
    assert conceal("the password is correct horse") == "the password is ***"
    assert conceal("${env:PLANTED}") == "${env:PLANTED}"


def test_the_token_of_a_webhook_is_concealed_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its host and what is short in it are words like any other."""
    monkeypatch.setenv(
        "HOOK", "https://a-host-with-a-long-name.com/hook/T0abcdefghijklmnop?sig=x-1"
    )
    monkeypatch.setattr(secrets, "_known", set())
    secrets.reveal("${env:HOOK}")
    said = "a-host-with-a-long-name.com/hook does not know T0abcdefghijklmnop"
    assert conceal(said) == "a-host-with-a-long-name.com/hook does not know ***"
