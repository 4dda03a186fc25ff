"""The pytest plugin: experiments as tests, tests with faults in them, and every outcome."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from chaos.aws.clients import BotoClients
from chaos.cli import main
from chaos.engine import undo
from chaos.engine.lock import LocalLock, Note, turn_kill_switch_on
from chaos.engine.recovery import unfinished_runs
from chaos.engine.stored_run import read_run
from chaos.exit_codes import ExitCode
from chaos.report.explanation import explanation, worst_seconds
from tests.conftest import CREDENTIALS
from tests.eventually import eventually
from tests.known_server import KnownServer, running
from tests.run_samples import START, half_stopped
from tests.test_aws import launch, state_of

EXPERIMENT = """
title: {title}
tags: [{tags}]
phases: {{baseline: {seconds}s}}
probes:
  front: {{http: "${{host}}{path}", expect: {{status: 200}}, every: 40ms}}
slos:
  - {{sli: availability, probe: front, objective: ">= {objective}"}}
"""

SICK = """
title: It was sick before
phases: {baseline: 1s}
steady_state: [{http: "${host}/error", expect: {status: 200}}]
"""

DEFAULTS = {
    "title": "The site is up",
    "path": "/",
    "tags": "",
    "objective": "50%",
    "seconds": 0.4,
}

STOP = 'chaos.fault("aws:ec2:stop-instances", targets={"tags": {"app": "shop"}})'


@pytest.fixture(scope="module")
def service() -> Iterator[KnownServer]:
    """Something to run experiments against."""
    with running() as server:
        yield server


class Project:
    """A directory with tests and experiments, and pytest to run them."""

    def __init__(self, pytester: pytest.Pytester, environment: str) -> None:
        self.pytester = pytester
        self.environment = environment
        self.reports = pytester.path / "reports"

    def experiment(self, name: str, **said: object) -> None:
        """Write an experiment that passes, unless it is told otherwise."""
        file = self.pytester.path / "experiments" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(EXPERIMENT.format(**DEFAULTS | said))

    def run(self, *words: str, no_reraise_ctrlc: bool = False) -> pytest.RunResult:
        """Run pytest in this process."""
        return self.pytester.runpytest_inprocess(
            "-p",
            "chaos.pytest_plugin",
            "--strict-markers",
            "--chaos-env",
            self.environment,
            *words,
            no_reraise_ctrlc=no_reraise_ctrlc,
        )

    def alone(self, *words: str) -> list[str]:
        """What runs pytest in a process of its own, with no plugins but these."""
        plugins = ("-p", "xdist", "-p", "chaos.pytest_plugin", "-p", "no:cacheprovider")
        return [sys.executable, "-m", "pytest", *plugins, "--chaos-env", self.environment, *words]


@pytest.fixture
def project(
    pytester: pytest.Pytester, service: KnownServer, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """An empty project, whose environment is the service."""
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return Project(pytester, service.url)


@pytest.fixture
def cloud(project: Project, aws: BotoClients, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The same, with an AWS account."""
    endpoint = aws.client("sts").meta.endpoint_url
    (project.pytester.path / "chaos.toml").write_text(
        f'[environments.staging]\nregion = "us-east-1"\nendpoint_url = "{endpoint}"\n'
    )
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name.upper(), value)
    project.environment = "staging"
    return project


def test_experiments_are_collected_by_title_and_other_yaml_is_left_alone(project: Project) -> None:
    """Tags become markers, strict or not; nobody else's YAML is read."""
    project.experiment("zone.yaml", title="A zone is lost", tags="az, nightly run")
    project.experiment("node.yml", title="A node is lost")
    foreign = {
        "template.yaml": "Resources:\n  Shop: !GetAtt Vpc.Id\n",
        "chart.yaml": "{{- if .Values.on }}\ntitle: x\n{{- end }}\n",
        "many.yaml": "kind: A\n---\nkind: B\n",
        "action.yml": "name: x\nactions: [a]\n",
        "gameday.yaml": "title: A day\nowner: me\n",
        "latin.yaml": "title: caf\xe9\nslos: []\n",
    }
    for name, text in foreign.items():
        (project.pytester.path / name).write_bytes(text.encode("latin-1"))
    found = project.run("--collect-only", "-q")
    found.assert_outcomes()
    found.stdout.fnmatch_lines(
        ["experiments/node.yml::A node is lost", "experiments/zone.yaml::A zone is lost"]
    )
    for choice in (("-m", "az"), ("-m", "nightly-run"), ("-k", "zone and lost")):
        chosen = project.run("--collect-only", "-q", *choice)
        chosen.stdout.fnmatch_lines(["*zone.yaml::*", "*1/2 tests collected*"])
        chosen.stdout.no_fnmatch_line("*node.yml*")


def test_an_invalid_experiment_is_an_error_that_names_the_place(project: Project) -> None:
    """File, line and column, and no traceback."""
    project.experiment("wrong.yaml", objective="fast")
    result = project.run("experiments")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["experiments/wrong.yaml:*:*: objective: *found >= fast"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*chaos/testing*")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--chaos-env", "stagin"), "unknown environment stagin*"),
        (("--chaos-var", "az"), "--var az: write NAME=VALUE"),
        (("--chaos-wait", "long"), "not a duration*"),
        (("-o", "chaos_inconclusive=maybe"), "*'maybe'*"),
    ],
)
def test_a_wrong_option_is_one_line(project: Project, words: tuple[str, ...], said: str) -> None:
    """As pytest says it of its own options."""
    project.experiment("up.yaml")
    result = project.run(*words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}"])


def test_every_verdict_has_its_outcome_its_numbers_and_its_report(project: Project) -> None:
    """Pass, fail, inconclusive and sick; the failures are explained, and can be run again."""
    project.experiment("good.yaml", title="It holds")
    project.experiment("bad.yaml", title="It does not hold", path="/error")
    project.experiment("open.yaml", title="Who knows", objective="99.9%")
    (project.pytester.path / "experiments/sick.yaml").write_text(SICK)
    result = project.run("experiments", "--junitxml=junit.xml")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "FAIL  It does not hold",
            "*wanted*measured*95 % interval*",
            "availability of probe front*50%*0%*FAIL",
            "probe front: 1 outage*",
            "report  reports/*-bad/report.html",
            "INCONCLUSIVE  Who knows",
            "*more of the same would decide*",
            "The environment could not be used: *",
            "* chaos *",
            "FAIL * It does not hold",
            "*reports/*-bad/report.html",
            "UNUSABLE * It was sick before",
            "PASS * It holds",
        ]
    )
    result.stdout.no_fnmatch_line("*chaos/testing*")
    told = properties(project.pytester.path / "junit.xml", "It does not hold")
    assert told["chaos.verdict"] == "fail"
    assert float(told["chaos.availability of probe front.measured"]) == 0
    assert Path(told["chaos.report"]).is_file()
    again = project.run("experiments", "--lf", "--collect-only", "-q")
    again.stdout.fnmatch_lines(["*It does not hold", "*Who knows", "*3 tests collected*"])


@pytest.mark.parametrize(("choice", "outcome"), [("xfail", "xfailed"), ("skip", "skipped")])
def test_what_an_open_question_is_worth_can_be_chosen(
    project: Project, choice: str, outcome: str
) -> None:
    """On the command line, or in the ini file."""
    project.experiment("open.yaml", objective="99.9%")
    project.pytester.makeini(f"[pytest]\nchaos_inconclusive = {choice}\n")
    project.run("-rxs").assert_outcomes(**{outcome: 1})


ALREADY_SICK = """
title: It was sick at rest
phases: {{baseline: 3s}}
targets: {{some: {{type: aws:ec2:instance, tags: {{app: shop}}}}}}
actions: {{stop: {{action: aws:ec2:stop-instances, targets: some, duration: 1s}}}}
probes: {{front: {{http: "{url}/error", expect: {{status: 200}}, every: 40ms}}}}
slos: [{{sli: availability, probe: front, objective: ">= 99%"}}]
"""


def test_a_system_that_was_sick_at_rest_is_an_open_question_too(
    cloud: Project, aws: BotoClients, service: KnownServer
) -> None:
    """The fault was not injected, so nothing is known of what it does."""
    (instance,) = launch(aws, 1, app="shop")
    file = cloud.pytester.path / "sick.yaml"
    file.write_text(ALREADY_SICK.format(url=service.url))
    cloud.run("sick.yaml").assert_outcomes(failed=1)
    result = cloud.run("sick.yaml", "-rx", "--chaos-inconclusive", "xfail")
    result.assert_outcomes(xfailed=1)
    assert state_of(aws, [instance]) == {instance: "running"}


def test_a_report_that_cannot_be_kept_fails_a_run_that_has_passed(project: Project) -> None:
    """A pass of which no proof is left is none."""
    project.experiment("good.yaml")
    (project.reports / "latest/of-somebody-else").mkdir(parents=True)
    result = project.run("experiments")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the report is not whole: *latest*"])


def test_a_dry_run_plans_and_touches_nothing(cloud: Project, aws: BotoClients) -> None:
    """Files, code and blocks alike: skipped, with the plan at the end."""
    (instance,) = launch(aws, 1, app="shop")
    cloud.pytester.makepyfile(f"def test_it(chaos):\n    with {STOP}:\n        raise OSError")
    result = cloud.run("--chaos-dry-run")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*aws:ec2:stop-instances*", f"*{instance}*"])
    assert not cloud.reports.exists()


def test_a_test_runs_experiments_from_files_and_from_code(project: Project) -> None:
    """Variables fill in the file; the result has what was measured; models are typed."""
    project.experiment("up.yaml", path="/${path}")
    project.pytester.makepyfile(
        """
        from chaos.model.experiment import Experiment

        def test_file(chaos):
            result = chaos.run("experiments/up.yaml", path="fine")
            assert result.verdict == "pass"
            assert result.slo("availability of probe front").measured == 1

        def test_code(chaos):
            probe = {"http": "${host}/error", "every": "50ms"}
            made = Experiment.model_validate({
                "title": "Made here", "phases": {"baseline": "400ms"}, "probes": {"x": probe},
                "slos": [{"sli": "error_rate", "probe": "x", "objective": "<= 1%"}],
            })
            assert chaos.run(made, check=False).verdict == "fail"

        def test_unknown_variable(chaos):
            chaos.run("experiments/up.yaml", path="x", paht="y")

        def test_missing_file(chaos):
            chaos.run("experiments/down.yaml")

        def test_wrong_code(chaos):
            chaos.run(Experiment.model_validate(
                {"title": "x", "actions": {"a": {"action": "aws:ec2:stop-instance"}}}))
        """
    )
    result = project.run("--deselect", "experiments/up.yaml", "--chaos-var", "path=x")
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*--var paht: the file has no ${paht}; did you mean path?*",
            "*no such file: experiments/down.yaml",
            "*actions.a.action: unknown action aws:ec2:stop-instance; did you mean *",
        ]
    )
    result.stdout.no_fnmatch_line("*chaos/testing*")


def test_a_marker_names_the_experiment_of_a_test(project: Project) -> None:
    """It runs before the test, which sees the result; a missed objective leaves no test to run."""
    project.experiment("up.yaml")
    project.pytester.makepyfile(
        """
        import pytest

        @pytest.mark.chaos(experiment="experiments/up.yaml")
        def test_after(chaos):
            assert chaos.result.verdict == "pass"

        @pytest.mark.chaos(
            experiment="experiments/up.yaml",
            slo={"sli": "error_rate", "probe": "front", "objective": ">= 1%"},
        )
        def test_never():
            print("but I was run")
        """
    )
    result = project.run("test_a_marker_names_the_experiment_of_a_test.py")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["slos.1.objective: error_rate wants at most*"])
    result.stdout.no_fnmatch_line("*but I was run*")
    result.stdout.no_fnmatch_line("*pluggy/*")


def test_a_refused_run_fails_the_test_with_the_reason(project: Project) -> None:
    """The kill switch; another run that does not end in time."""
    project.experiment("up.yaml")
    with LocalLock(project.environment).held(Note("me@here", 0, "a-long-run")):
        waited = project.run("--chaos-wait", "300ms")
    waited.assert_outcomes(failed=1)
    waited.stdout.fnmatch_lines(
        ["chaos: waiting, as another run is going on*", "another run is going on*run a-long-run*"]
    )
    turn_kill_switch_on(project.pytester.path / "state/chaos", Note("me@here", 0, "enough"))
    killed = project.run()
    killed.assert_outcomes(failed=1)
    killed.stdout.fnmatch_lines(["the kill switch is on, by me@here (enough)*"])
    killed.stdout.no_fnmatch_line("*Traceback*")


def test_workers_take_turns_in_an_environment(project: Project) -> None:
    """Under pytest-xdist one waits for the other, and the summary knows of both."""
    for name in ("one", "two"):
        project.experiment(f"{name}.yaml", title=f"Experiment {name}")
    result = project.pytester.run(*project.alone("-n2", "experiments"))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines_random(["PASS*Experiment one", "PASS*Experiment two"])
    spans = sorted(span_of(path) for path in project.reports.iterdir() if not path.is_symlink())
    assert spans[0][1] <= spans[1][0]


def test_a_fault_lasts_as_long_as_its_block(cloud: Project, aws: BotoClients) -> None:
    """In it AWS shows the fault; after it, however it came to its end, all is as before."""
    instances = launch(aws, 2, app="shop")
    cloud.pytester.makepyfile(
        f"""
        import boto3
        import pytest
        from chaos.cli import main

        def states(ids):
            ec2 = boto3.client("ec2", "us-east-1", endpoint_url={endpoint_of(aws)!r})
            answer = ec2.describe_instances(InstanceIds=ids)["Reservations"]
            return {{one["Instances"][0]["State"]["Name"] for one in answer}}

        def test_block(chaos):
            with {STOP} as fault:
                assert sorted(fault.targets) == {sorted(instances)}
                assert states(fault.targets) == {{"stopped"}}
                with pytest.raises(pytest.fail.Exception, match="a run within a run"), {STOP}:
                    pass
            assert states(fault.targets) == {{"running"}}

        def test_exception(chaos):
            with {STOP}:
                raise OSError("the test's own")

        def test_too_long(chaos):
            with {STOP.replace(")", ', at_most="100ms")', 1)} as fault:
                while states(fault.targets) != {{"running"}}:
                    pass

        def test_stopped(chaos):
            with {STOP}:
                main(["stop", "--because", "enough"])

        def test_nothing_to_hit(chaos):
            with chaos.fault("aws:ec2:stop-instances", targets=["i-0123456789abcdef0"]):
                pass
        """
    )
    result = cloud.run()
    result.assert_outcomes(passed=1, failed=4)
    result.stdout.fnmatch_lines(
        [
            "E*OSError: the test's own",
            "E*the fault was over before the block was*",
            "E*the fault was ended: stopped by *: enough",
            "E*would hit nothing*",
        ]
    )
    assert set(state_of(aws, instances).values()) == {"running"}
    assert not list(unfinished_runs(cloud.reports))


def test_what_cannot_be_put_back_stops_the_session(
    cloud: Project, aws: BotoClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other test begins, and the output says how to mend it by hand."""
    monkeypatch.setattr(undo, "SETTLE_WITHIN", 0.1)
    (instance,) = launch(aws, 1, app="shop")
    cloud.pytester.makepyfile(
        f"""
        import boto3

        def test_breaks(chaos):
            ec2 = boto3.client("ec2", "us-east-1", endpoint_url={endpoint_of(aws)!r})
            with {STOP} as fault:
                ec2.terminate_instances(InstanceIds=fault.targets)

        def test_next():
            pass
        """
    )
    result = cloud.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*STILL BROKEN: *",
            "*chaos recover */reports/*",
            f"*aws ec2 start-instances --cli-input-json*{instance}*",
            "*Interrupted: *SOMETHING IS STILL BROKEN*",
        ]
    )


def test_a_polite_kill_puts_the_fault_of_a_block_back(cloud: Project, aws: BotoClients) -> None:
    """It unwinds the test as Ctrl-C does."""
    (instance,) = launch(aws, 1, app="shop")
    cloud.pytester.makepyfile(
        f"""
        import os, signal, time

        def test_block(chaos):
            with {STOP}:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(60)
        """
    )
    result = cloud.run(no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*KeyboardInterrupt: SIGTERM*"])
    assert state_of(aws, [instance])[instance] == "running"


def test_a_signal_ends_a_run_in_order_and_then_the_session(project: Project) -> None:
    """The report is written, and no other test begins."""
    project.experiment("long.yaml", seconds=60)
    project.experiment("next.yaml")
    with interrupted_once(lambda: "phase-started" in journal_of(project.reports)):
        result = project.run("experiments")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*interrupted by SIGINT; everything was put back*"])
    assert list(project.reports.glob("*-long/report.html"))
    assert not list(project.reports.glob("*-next"))


def test_a_signal_ends_the_waiting_for_another_run_and_then_the_session(project: Project) -> None:
    """Nothing was touched, and no other test begins to wait."""
    project.experiment("up.yaml")
    lock = LocalLock(project.environment)
    with (
        lock.held(Note("me@here", 0, "a-long-run")),
        interrupted_once(lambda: list(project.reports.glob("*-up"))),
    ):
        result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*interrupted by SIGINT; nothing was touched*"])


def test_after_a_kill_recover_puts_the_fault_of_a_block_back(
    cloud: Project, aws: BotoClients
) -> None:
    """Its run has the journal of any run."""
    (instance,) = launch(aws, 1, app="shop")
    cloud.pytester.makepyfile(
        f"""
        import time

        def test_block(chaos):
            with {STOP}:
                time.sleep(60)
        """
    )
    with subprocess.Popen(cloud.alone(), stdout=subprocess.DEVNULL) as process:
        eventually(lambda: "inject-confirmed" in journal_of(cloud.reports), 40, "it is injected")
        process.kill()
    assert state_of(aws, [instance])[instance] == "stopped"
    assert main(["recover"]) == ExitCode.PASS
    assert state_of(aws, [instance])[instance] == "running"
    assert not list(unfinished_runs(cloud.reports))


@pytest.mark.lab
def test_a_session_without_a_lab_gets_its_own(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests and experiments share it, and it ends with the session."""
    with tempfile.TemporaryDirectory(prefix="labs-") as labs:  # names of sockets must be short
        monkeypatch.setenv("XDG_RUNTIME_DIR", labs)
        project.environment = "lab"
        project.experiment("up.yaml", path="/health")
        project.pytester.makepyfile(
            """
            from chaos.lab import handle

            ONE = {"tags": {"app": "shop"}, "select": "count(1)"}

            def truth_of(lab):
                stopped = (one.text for one in handle.truth(lab) if "is stopped" in one.text)
                return " ".join(stopped)

            def test_lab(chaos, chaos_lab):
                assert chaos.run("experiments/up.yaml").result.run.environment == "lab"
                with chaos.fault("aws:ec2:stop-instances", targets=ONE) as fault:
                    assert fault.targets[0] in truth_of(chaos_lab)
            """
        )
        result = project.run("test_a_session_without_a_lab_gets_its_own.py")
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["chaos: starting the lab"])
        assert not [one for one in Path(labs, "chaos").iterdir() if one.is_dir()]


def test_pytest_starts_without_the_framework(pytester: pytest.Pytester) -> None:
    """Where no test needs it, only the plugin itself is imported."""
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            print("LOADED", *sorted(name for name in sys.modules if name.startswith("chaos")))
            print("HEAVY", *sorted({"pydantic", "yaml", "boto3", "rich"} & set(sys.modules)))
        """
    )
    result = pytester.runpytest_subprocess("--collect-only")
    result.stdout.fnmatch_lines(
        ["LOADED chaos chaos.pytest_plugin chaos.testing chaos.testing.summary", "HEAVY"]
    )


def test_a_failure_names_the_worst_seconds_and_what_is_still_broken() -> None:
    """The seconds with most bad requests come first, of those that count."""
    result = half_stopped()
    (worst, requests), *others = worst_seconds(result)
    assert all(other.bad <= requests.bad for _, other in others)
    assert 20 <= worst - START <= 24
    said = explanation(result)
    assert "worst seconds" in said
    assert f"{requests.failed} failed, {requests.timed_out} timed out" in said
    assert re.search(r"availability +≥ 99% .* FAIL", said)
    assert "slow-network (aws:network:latency) on subnet-0a: STILL BROKEN; AccessDenied" in said


@contextmanager
def interrupted_once(condition: Callable[[], object]) -> Iterator[None]:
    """Interrupt this very process as soon as the condition holds."""

    def interrupt() -> None:
        eventually(condition, 30, "it has begun")
        os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor() as beside:
        interrupted = beside.submit(interrupt)
        yield
    interrupted.result()


def endpoint_of(aws: BotoClients) -> str:
    """Where the API is."""
    return str(aws.client("sts").meta.endpoint_url)


def properties(junit: Path, test: str) -> dict[str, str]:
    """What JUnit's XML says of a test."""
    tree = ET.parse(junit)  # noqa: S314 - our own
    found = tree.iterfind(f".//testcase[@name='{test}']//property")
    return {one.attrib["name"]: one.attrib["value"] for one in found}


def journal_of(reports: Path) -> str:
    """The text of all journals."""
    return "".join(file.read_text() for file in reports.glob("*/journal.jsonl"))


def span_of(run: Path) -> tuple[float, float]:
    """When a run began to do something, and when it ended."""
    stored = read_run(run).run
    return stored.started_at, stored.ended_at
