"""Probes: each kind asks what it says, and samples come on time whatever the answers do."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from pydantic import TypeAdapter

from chaos.aws.clients import BotoClients
from chaos.engine.sampler import Sampler, read_samples
from chaos.model.probe import Probe
from chaos.probes.ask import ask
from chaos.probes.observation import Surroundings
from tests.eventually import eventually
from tests.test_aws import launch

PROBE: TypeAdapter[Probe] = TypeAdapter(Probe)


class _Service(BaseHTTPRequestHandler):
    """Answers with the status its path names; while it hangs, not at all."""

    free = Event()

    def do_GET(self) -> None:
        self.free.wait(10)
        self.send_response(int(self.path.strip("/") or 200))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def host() -> Iterator[str]:
    """An HTTP service."""
    _Service.free.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    _Service.free.set()
    server.shutdown()
    server.server_close()


def good(host: str = "", clients: BotoClients | None = None, **declared: object) -> bool:
    """What a probe says of the system."""
    return ask(PROBE.validate_python(declared), Surroundings(host, clients)).good


def test_an_http_probe_wants_its_status_in_time(host: str) -> None:
    """A redirect or an error is not what was asked for, unless it is."""
    assert good(host, http="${host}/200")
    assert not good(host, http="${host}/503")
    assert good(host, http="${host}/503", expect={"status": 503})
    assert not good(host, http="${host}/302")
    _Service.free.clear()
    assert not good(host, http="${host}/200", expect={"within": "200ms"})


def test_a_tcp_probe_wants_to_be_let_in(host: str) -> None:
    """A closed port is a bad answer, not an error."""
    assert good(tcp=host.removeprefix("http://"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not good(tcp=f"127.0.0.1:{port}")


def test_a_command_must_exit_with_0_in_time() -> None:
    """What it said last is kept."""
    assert good(command=[sys.executable, "-c", "pass"])
    failing = PROBE.validate_python({"command": [sys.executable, "-c", "raise SystemExit('no')"]})
    observed = ask(failing, Surroundings("", None))
    assert not observed.good
    assert "exit 1: no" in observed.text
    assert not good(command=[sys.executable, "-c", "input()"], within="300ms")
    assert not good(command=["no-such-command"])


def test_a_python_probe_gets_the_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """True is good, a pair says why, and an exception is a bad answer."""
    (tmp_path / "asking.py").write_text(
        "def is_here(host): return host == 'here', host\n"
        "def yes(host): return True\n"
        "def crash(host): raise RuntimeError('oops')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert good("here", python="asking:is_here")
    assert not good("there", python="asking:is_here")
    assert good(python="asking:yes")
    assert not good(python="asking:crash")
    assert not good(python="asking:missing")


def test_aws_is_asked_for_states_metrics_and_alarms(aws: BotoClients) -> None:
    """Each against what the API says."""
    instance = launch(aws, 1)[0]
    assert good(clients=aws, aws="aws:ec2:instance-state", of=instance, expect="running")
    assert not good(clients=aws, aws="aws:ec2:instance-state", of="i-0", expect="running")
    assert not good(clients=aws, aws="aws:ec2:nonsense", of="i-0", expect="x")
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Orders", "Value": 7.0}]
    )
    metric = {"namespace": "Shop", "name": "Orders"}
    assert good(clients=aws, metric=metric, expect=">= 7")
    assert not good(clients=aws, metric=metric, expect="> 7")
    cloudwatch.put_metric_alarm(
        AlarmName="orders",
        Namespace="Shop",
        MetricName="Orders",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName="orders", StateValue="ALARM", StateReason="test")
    assert not good(clients=aws, alarm="orders")
    assert good(clients=aws, alarm="orders", expect="ALARM")
    assert not good(clients=aws, alarm="unknown")


def test_without_aws_an_aws_probe_is_a_bad_answer() -> None:
    """With its reason."""
    probe = PROBE.validate_python({"alarm": "x"})
    observed = ask(probe, Surroundings("", None))
    assert not observed.good
    assert "needs AWS" in observed.text


def test_samples_are_due_on_time_whatever_the_answers_do(host: str, tmp_path: Path) -> None:
    """While the service hangs, no sample is skipped or late, and all of them count as bad."""
    probe = PROBE.validate_python({"http": "${host}/", "every": "50ms", "within": "1s"})
    sampler = Sampler({"front": probe}, Surroundings(host, None), tmp_path)
    begin = time.time()
    sampler.begin(begin)

    def answered(number: int) -> bool:
        sampler.collect()
        return len(sampler.series["front"]) >= number

    eventually(lambda: answered(30), 10, "thirty samples")
    _Service.free.clear()
    hung_from = time.time()
    eventually(lambda: answered(45), 10, "some samples of a hanging service")
    _Service.free.set()
    hung_until = time.time()
    eventually(lambda: answered(80), 10, "eighty samples")
    sampler.end()
    series = read_samples(tmp_path)[0]
    due = [sample.due_at for sample in series.samples]
    assert due == pytest.approx([begin + n * 0.05 for n in range(len(due))], abs=1e-3)
    while_hung = series.between(hung_from + 0.05, hung_until - 1.05)
    assert while_hung
    assert not any(sample.good for sample in while_hung)
    assert all(sample.good for sample in series.between(begin, hung_from - 1.05))
    assert [s.due_at for s in series.samples] == [
        s.due_at for s in sorted(sampler.series["front"], key=lambda s: s.due_at)
    ]
