"""The command line: options, messages, exit codes, against a plain HTTP service without AWS."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.chaos_command import ROOT, Chaos

LOCUST_FILE = """
from locust import FastHttpUser, constant, task
class Visitor(FastHttpUser):
    wait_time = constant(0.1)
    @task
    def visit(self):
        self.client.get("/page")
"""


class _Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(500 if self.path.startswith("/broken") else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """An HTTP service; all is well but below /broken."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def chaos(tmp_path: Path) -> Chaos:
    """The command, in a directory with a Locust file and a quick experiment."""
    (tmp_path / "load.py").write_text(LOCUST_FILE)
    (tmp_path / "quick.yaml").write_text(
        "title: Quick\n"
        "load: {locustfile: load.py, rate: 40/s}\n"
        "phases: {baseline: 2s}\n"
        "steady_state: [{http: '${host}/page'}]\n"
        'slos: [{sli: availability, objective: ">= ${wanted}"}]\n'
        "variables: {wanted: 90%}\n"
    )
    return Chaos(tmp_path)


def test_any_http_service_can_be_tested_without_aws(chaos: Chaos, service: str) -> None:
    """`--host` alone starts no lab; the report has every planned request."""
    ran = chaos("run", "quick.yaml", "--host", service)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "starting the lab" not in ran.stderr
    report = chaos.report()
    assert report["load"]["planned"] == report["load"]["ok"] == 80
    assert report["environment"] == service
    assert "\x1b[" not in ran.stdout


def test_a_missed_objective_is_exit_1(chaos: Chaos, service: str) -> None:
    """A test of a broken service fails."""
    ran = chaos("run", "quick.yaml", "--host", f"{service}/broken")
    assert ran.returncode == 6  # its steady state does not hold
    assert "steady state does not hold" in ran.stdout
    quick = chaos.directory / "quick.yaml"
    quick.write_text("".join(x for x in quick.open() if "steady" not in x))
    ran = chaos("run", "quick.yaml", "--host", f"{service}/broken")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert chaos.report()["verdict"] == "fail"


def test_too_few_requests_to_tell_are_exit_3(chaos: Chaos, service: str) -> None:
    """80 good requests do not show 99.9 %; `--var` wins over the file."""
    ran = chaos("run", "quick.yaml", "--host", service, "--var", "wanted=99.9%")
    assert ran.returncode == 3, ran.stdout + ran.stderr
    assert chaos.report()["slos"][0]["verdict"] == "inconclusive"


def test_a_locust_file_that_fails_is_exit_6_with_its_own_words(chaos: Chaos, service: str) -> None:
    """The useful line, not the traceback."""
    (chaos.directory / "load.py").write_text("import no_such_module\n")
    ran = chaos("run", "quick.yaml", "--host", service)
    assert ran.returncode == 6
    assert "No module named 'no_such_module'" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


def test_an_interrupted_run_is_exit_4_and_still_reports(chaos: Chaos, service: str) -> None:
    """SIGINT, as Ctrl-C sends it."""
    quick = chaos.directory / "quick.yaml"
    quick.write_text(quick.read_text().replace("2s", "60s"))
    with chaos.running("run", "quick.yaml", "--host", service) as process:
        chaos.await_journal('"phase":"baseline"')
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 4
    assert chaos.report()["reason"] == "interrupted by SIGINT"


def test_a_run_is_stopped_from_another_terminal(chaos: Chaos, service: str) -> None:
    """`chaos stop` ends it, says which, and returns when all is put back."""
    quick = chaos.directory / "quick.yaml"
    quick.write_text(quick.read_text().replace("2s", "60s"))
    with chaos.running("run", "quick.yaml", "--host", service) as process:
        chaos.await_journal('"phase":"baseline"')
        second = chaos("run", "quick.yaml", "--host", service)
        assert second.returncode == 2
        assert f"another run is going on in {service}: run " in second.stderr
        stopped = chaos("stop", "--because", "lunch")
        assert stopped.returncode == 0
        assert "stopping run 2" in stopped.stdout
        assert process.wait(10) == 4
    assert chaos.report()["reason"].endswith(": lunch")
    assert "no run is going on" in chaos("stop").stdout
    assert len(list(chaos.reports.glob("2*"))) == 1  # the refused one left nothing


def test_the_kill_switch_keeps_runs_from_beginning(chaos: Chaos, service: str) -> None:
    """Until `chaos resume`."""
    assert chaos("stop", "--all", "--because", "incident").returncode == 0
    refused = chaos("run", "quick.yaml", "--host", service)
    assert refused.returncode == 2
    assert "the kill switch is on" in refused.stderr
    assert "(incident)" in refused.stderr
    assert "runs may begin again" in chaos("resume").stdout
    assert chaos("run", "quick.yaml", "--host", service).returncode == 0


def test_aws_actions_need_aws(chaos: Chaos, service: str) -> None:
    """An environment that is only a host refuses them."""
    (chaos.directory / "kill.yaml").write_text(
        "title: x\n"
        "targets: {a: {type: aws:ec2:instance, ids: i-1}}\n"
        "actions: {k: {action: aws:ec2:stop-instances, targets: a}}\n"
    )
    ran = chaos("run", "kill.yaml", "--host", service)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "needs AWS" in ran.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (
            ["run", "quick.yaml", "--env", "stagin"],
            "unknown environment stagin; did you mean staging",
        ),
        (["run", "quick.yaml", "--env", "empty"], "environment empty has no host"),
        (["run", "quick.yaml", "--host", "shop"], "--host shop: write http://"),
        (["run", "quick.yaml", "--var", "wanted"], "--var wanted: write NAME=VALUE"),
        (["run", "quick.yaml", "--var", "wnted=1%"], "has no ${wnted}; did you mean wanted?"),
        (["report", "nothing"], "no run here"),
        (["actions", "aws:ec2:stop"], "did you mean aws:ec2:stop-instances?"),
        (["nonsense"], "invalid choice"),
    ],
)
def test_a_mistake_gets_one_clear_message(chaos: Chaos, words: list[str], said: str) -> None:
    """Exit 2, on standard error, without a traceback."""
    (chaos.directory / "chaos.toml").write_text(
        '[environments.staging]\nhost = "http://127.0.0.1:9"\n[environments.empty]\n'
    )
    ran = chaos(*words)
    assert ran.returncode == 2, ran.stderr
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[environments.a\n", "chaos.toml:1:16: not valid TOML"),
        ('[environments.a]\nhots = "x"\n', "chaos.toml:2:1: unknown key hots; did you mean host?"),
        (
            '[environments.a]\naccount = "12"\n',
            "chaos.toml:2:1: account: write the twelve digits of an account; found 12",
        ),
    ],
)
def test_a_wrong_settings_file_is_explained(chaos: Chaos, text: str, said: str) -> None:
    """With the place of each mistake."""
    (chaos.directory / "chaos.toml").write_text(text)
    ran = chaos("validate", "quick.yaml")
    assert ran.returncode == 2
    assert said in ran.stderr


def test_the_policy_for_an_experiment_is_no_wider_than_it_needs(chaos: Chaos) -> None:
    """Changes only of what carries the target's tags; reads have no narrower form."""
    ran = chaos("iam", ROOT / "experiments/stop-half-the-fleet.yaml")
    reads, changes = json.loads(ran.stdout)["Statement"]
    assert reads["Action"] == [
        "cloudwatch:DescribeAlarms",
        "ec2:DescribeInstances",
        "sts:GetCallerIdentity",
    ]
    assert changes["Action"] == ["ec2:StartInstances", "ec2:StopInstances"]
    assert changes["Condition"] == {"StringEquals": {"aws:ResourceTag/app": "shop"}}


def test_validate_checks_many_files_and_counts(chaos: Chaos) -> None:
    """Valid ones are named on standard output, problems on standard error."""
    (chaos.directory / "bad.yaml").write_text("titel: x\nphases: 5\n")
    ran = chaos("validate", "quick.yaml", "bad.yaml")
    assert ran.returncode == 2
    assert ran.stdout == "quick.yaml: valid (Quick)\n"
    assert "bad.yaml:1:1: unknown key titel; did you mean title?" in ran.stderr
    assert "3 problems found" in ran.stderr


def test_reports_that_cannot_be_written_stop_the_run_before_it_begins(
    chaos: Chaos, service: str
) -> None:
    """Exit 6, and nothing is started."""
    (chaos.directory / "reports").write_text("a file")
    ran = chaos("run", "quick.yaml", "--host", service)
    assert ran.returncode == 6
    assert "cannot write reports" in ran.stderr


def test_init_never_overwrites(chaos: Chaos) -> None:
    """Both files or neither."""
    assert chaos("init", "new").returncode == 0
    before = (chaos.directory / "new/experiment.yaml").read_bytes()
    (chaos.directory / "new/experiment.yaml").write_bytes(before + b"# mine")
    assert chaos("init", "new").returncode == 2
    assert (chaos.directory / "new/experiment.yaml").read_bytes() == before + b"# mine"


def test_the_schema_is_json(chaos: Chaos) -> None:
    """For editors."""
    assert json.loads(chaos("schema").stdout)["$schema"].startswith("https://json-schema.org")
