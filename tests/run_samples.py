"""Builders of runs and results that look like real ones, for tests and for looking at reports."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from chaos.measure.recording import Outcome, Recording, Slice, SliceKey
from chaos.measure.run import Ending, Event, FaultTimes, PhaseName, PhaseSpan, Run
from chaos.measure.samples import Sample, SampleSeries
from chaos.measure.tallies import ServerKey, Tally, UserTime
from chaos.model.experiment import Experiment
from chaos.report.assemble import assemble
from chaos.report.conclude import conclude
from chaos.report.result import FaultResult, Result
from chaos.slo.verdict import SloResult, Verdict

START = 1_795_270_980.0
"""When the sample runs start, in seconds since the epoch."""

ENDPOINTS = {"GET /products": 0.012, "GET /products/{id}": 0.008, "POST /purchase": 0.035}
"""Endpoints of the shop with a typical response time, in seconds."""

GOOD = "The whole interval is on the good side."


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong in a time, as shares of the planned requests."""

    starts: float
    ends: float
    """Seconds since the start of the run."""
    failed: float = 0.0
    timed_out: float = 0.0
    not_sent: float = 0.0
    slower: float = 1.0
    """Factor on response times."""


def load(seconds: float, rate: int, troubles: tuple[Trouble, ...] = (), seed: int = 7) -> Recording:
    """An open load on the shop with the given troubles in it."""
    dice = random.Random(seed)
    recording = Recording()
    calm = Trouble(0, seconds)
    for number in range(int(seconds * rate)):
        offset = number / rate
        trouble = next((t for t in troubles if t.starts <= offset < t.ends), calm)
        _arrival(recording, START + offset, trouble, dice)
    return recording


def _arrival(recording: Recording, due_at: float, trouble: Trouble, dice: random.Random) -> None:
    endpoint = dice.choices(list(ENDPOINTS), (6, 3, 1))[0]
    took = ENDPOINTS[endpoint] * dice.lognormvariate(0, 0.35) * trouble.slower
    drawn = dice.random()
    if drawn < trouble.not_sent:
        recording.record_unsent(due_at, due_at + 5)
        return
    outcome = Outcome.OK
    if drawn < trouble.not_sent + trouble.timed_out:
        outcome, took = Outcome.TIMED_OUT, 2.0
    elif drawn < trouble.not_sent + trouble.timed_out + trouble.failed:
        outcome = Outcome.FAILED
    waited = 0.0005 if outcome is Outcome.OK else 0.0
    recording.record(endpoint, outcome, due_at, due_at + waited, due_at + waited + took)


def phases(warmup: float, baseline: float, fault: float, recovery: float) -> tuple[PhaseSpan, ...]:
    """The four phases, one after the other, by their lengths in seconds."""
    spans, at = [], START
    for name, lasted in zip(PhaseName, (warmup, baseline, fault, recovery), strict=True):
        if lasted:
            spans.append(PhaseSpan(name, at, at + lasted))
            at += lasted
    return tuple(spans)


def event(offset: float, kind: str, text: str) -> Event:
    """An event, `offset` seconds after the start."""
    return Event(START + offset, kind, text)


def terminated() -> Result:
    """Passes: an instance is terminated, users notice for three seconds, a replacement comes."""
    spans = phases(5, 10, 30, 20)
    troubles = (Trouble(15.4, 18.2, failed=0.11), Trouble(18.2, 19, failed=0.02, slower=4))
    fault = FaultTimes(
        "lose-an-instance",
        "aws:ec2:terminate-instances",
        ("i-0f3a9c51d27e84b60",),
        START + 15.02,
        START + 15.61,
    )
    events = (
        event(0, "phase", "warmup"),
        event(5, "phase", "baseline"),
        event(15, "phase", "fault"),
        event(15.02, "action", "lose-an-instance: aws:ec2:terminate-instances called on 1 target"),
        event(15.38, "truth", "process of i-0f3a9c51d27e84b60 killed (us-east-1a)"),
        event(15.61, "action", "lose-an-instance: confirmed"),
        event(18.21, "truth", "balancer ejected i-0f3a9c51d27e84b60 from shop-targets"),
        event(24.9, "truth", "replacement i-07bb81c6a2d3f4e19 booted (us-east-1a)"),
        event(27.03, "truth", "i-07bb81c6a2d3f4e19 is healthy and takes traffic"),
        event(45, "phase", "recovery"),
    )
    run = Run(
        "20261121-140300-lose-an-instance",
        "The shop survives losing an instance",
        "One of six instances is terminated for good while shoppers browse and buy.",
        "lab",
        START,
        START + 66.3,
        Ending.COMPLETED,
        phases=spans,
        faults=(fault,),
        events=events,
        load=load(65, 100, troubles),
        had_load=True,
    )
    slos = (
        SloResult(
            "availability", "availability", ">= 99%", 0.99372, (0.9905, 0.9968), Verdict.PASS, GOOD
        ),
        SloResult("latency p99", "latency", "<= 800ms", 0.0872, (0.071, 0.112), Verdict.PASS, GOOD),
        SloResult("recovery time", "recovery_time", "<= 15s", 3.39, (3.0, 4.0), Verdict.PASS, GOOD),
    )
    return assemble(run, slos, (FaultResult(fault, 0.0, 3.39),))


def half_stopped() -> Result:
    """Fails: three of six instances are stopped for 20 s, behind a delay on the network."""
    spans = phases(5, 15, 40, 30)
    troubles = (
        Trouble(20.3, 23, failed=0.34, timed_out=0.16, slower=9),
        Trouble(23, 29, failed=0.03, timed_out=0.05, not_sent=0.12, slower=14),
        Trouble(29, 41, failed=0.004, slower=3),
        Trouble(46, 57, timed_out=0.01, slower=20),
    )
    stopped = FaultTimes(
        "stop-half-the-fleet",
        "aws:ec2:stop-instances",
        ("i-0a11", "i-0b22", "i-0c33", "i-0d44"),
        START + 20.03,
        START + 22.71,
        START + 42.7,
        START + 45.94,
        verified=True,
    )
    slowed = FaultTimes(
        "slow-network",
        "aws:network:latency",
        ("subnet-0a",),
        START + 46.0,
        START + 46.31,
        START + 56.3,
        START + 56.66,
        verified=False,
        error="AccessDenied: not allowed to ec2:ReplaceNetworkAclAssociation",
    )
    events = (
        event(0, "phase", "warmup"),
        event(20, "phase", "fault"),
        event(20.21, "truth", "process of i-0a11 stopped"),
        event(20.22, "truth", "process of i-0b22 stopped"),
        event(22.71, "action", "stop-half-the-fleet: confirmed"),
        event(45.94, "action", "stop-half-the-fleet: reverted and verified"),
        event(56.66, "error", "slow-network: AccessDenied on revert"),
    )
    run = Run(
        "20261121-140300-stop-half",
        "The shop survives half of its fleet being stopped",
        "",
        "staging (123456789012, eu-west-1)",
        START,
        START + 92,
        Ending.ROLLBACK_INCOMPLETE,
        reason="slow-network could not be verified: AccessDenied",
        phases=spans,
        faults=(stopped, slowed),
        events=events,
        load=load(90, 100, troubles, seed=11),
        had_load=True,
    )
    slos = (
        SloResult(
            "availability",
            "availability",
            ">= 99%",
            0.9571,
            (0.941, 0.9702),
            Verdict.FAIL,
            "The whole interval is on the bad side.",
        ),
        SloResult(
            "latency p99 of GET /products",
            "latency",
            "<= 2.5s",
            1.98,
            (1.4, 2.02),
            Verdict.PASS,
            GOOD,
        ),
        SloResult(
            "error rate",
            "error_rate",
            "<= 4%",
            0.0429,
            (0.0298, 0.059),
            Verdict.INCONCLUSIVE,
            "The interval reaches over the objective; about 240 s more would decide it.",
        ),
        SloResult(
            "recovery time",
            "recovery_time",
            "<= 15s",
            None,
            None,
            Verdict.INCONCLUSIVE,
            "No sustained good second was seen before the run ended.",
        ),
    )
    return assemble(run, slos, (FaultResult(stopped, 0.29, 18.3), FaultResult(slowed, 0.7, None)))


def without_load() -> Result:
    """Passes: probes and actions only, no load at all."""
    fault = FaultTimes(
        "reboot",
        "aws:ec2:reboot-instances",
        ("i-0a11",),
        START + 1,
        START + 1.4,
        START + 2,
        START + 2.2,
        verified=True,
    )
    run = Run(
        "20261121-140300-reboot",
        "An instance reboots",
        "",
        "lab",
        START,
        START + 12,
        Ending.COMPLETED,
        phases=phases(0, 1, 6, 5),
        faults=(fault,),
        events=(event(0.2, "probe", "GET /health: 200"), event(1.3, "truth", "i-0a11 rebooted")),
    )
    return assemble(run, (), (FaultResult(fault, None, None),))


def probed() -> Result:
    """Passes: no load, but a probe that saw a reboot, judged on its samples."""
    whole = without_load().run
    experiment = Experiment.model_validate(
        {
            "title": whole.title,
            "probes": {"front-door": {"http": "http://127.0.0.1/health"}},
            "slos": [
                {"sli": "availability", "probe": "front-door", "objective": ">= 50%"},
                {"sli": "longest_outage", "probe": "front-door", "objective": "<= 3s"},
                {"sli": "outages", "probe": "front-door", "objective": "<= 1"},
                {"sli": "time_to_detect", "probe": "front-door", "objective": "<= 1s"},
                {"sli": "recovery_time", "probe": "front-door", "objective": "<= 5s"},
            ],
        }
    )
    return conclude(experiment, replace(whole, probes=(samples(12, (1.6, 3.1)),)))


def samples(seconds: float, *outages: tuple[float, float], every: float = 0.1) -> SampleSeries:
    """Of a probe that found the system down between these offsets."""
    taken = []
    for number in range(round(seconds / every)):
        offset = number * every
        good = not any(starts <= offset < ends for starts, ends in outages)
        taken.append(Sample(START + offset, 0.004 if good else 0.5, good))
    return SampleSeries("front-door", every, tuple(taken))


def watched_users() -> Result:
    """Fails: users, servers and zones are known, and the users are a closed model."""
    spans = phases(0, 15, 20, 15)
    fault = FaultTimes(
        "lose-a-zone", "aws:network:disrupt", ("subnet-1",), START + 15, START + 15.4
    )
    recording = load(50, 40, (Trouble(15.4, 21.2, failed=0.3, slower=9),), seed=5)
    for second, piece in recording.by_second().items():
        for number in range(6):
            name = f"us-east-1{'abc'[number % 3]}/i-{number}"
            bad = piece.failed if number == 0 else 0
            recording.servers[ServerKey(second, name)] = Tally(piece.ok // 6, bad)
        down = 10.0 * piece.bad / piece.planned
        recording.users[second] = UserTime(10 - down, down)
    experiment = Experiment.model_validate(
        {
            "title": "The shop survives losing a zone",
            "load": {"locustfile": "shop.py", "users": 10},
            "slos": [
                {"sli": "availability", "by": "users", "objective": ">= 99%"},
                {"sli": "availability", "by": "time", "objective": ">= 80%"},
                {"sli": "availability", "by": "users", "window": "5s", "objective": ">= 50%"},
                {"sli": "latency", "percentile": 99, "objective": "<= 2s"},
                {"sli": "throughput", "objective": ">= 20/s"},
                {"sli": "error_budget", "target": "99.9%", "objective": "<= 5%"},
                {"sli": "burn_rate", "target": "99.9%", "objective": "<= 14.4"},
                {"sli": "mtbf", "objective": ">= 10s"},
                {"sli": "mttr", "objective": "<= 30s"},
            ],
        }
    )
    run = replace(
        terminated().run,
        title=experiment.title,
        phases=spans,
        faults=(fault,),
        load=recording,
        ended_at=START + 50,
        probes=(samples(50, (15.7, 20.9)),),
    )
    return conclude(experiment, run)


def aborted() -> Result:
    """Inconclusive: a stop condition ended the run in the fault phase."""
    whole = half_stopped()
    fault = replace(
        whole.run.faults[0], revert_called_at=START + 30.1, revert_confirmed_at=START + 32.4
    )
    run = replace(
        whole.run,
        ending=Ending.ABORTED,
        reason="stop condition: error_rate > 30% for 3s",
        ended_at=START + 33,
        phases=phases(5, 15, 10, 0),
        events=whole.run.events[:5],
        faults=(fault,),
        load=load(30, 100, (Trouble(20.3, 30, failed=0.4, not_sent=0.1),)),
    )
    return assemble(run, (), (FaultResult(fault, 0.29, None),))


def unusable() -> Result:
    """Inconclusive: nothing ever started."""
    run = Run(
        "20261121-140300-none",
        "No environment",
        "",
        "staging",
        START,
        START + 2,
        Ending.UNUSABLE,
        reason="the steady state does not hold: GET /health answered 503",
        had_load=True,
    )
    return assemble(run, (), ())


def large(seconds: int = 3600, endpoints: int = 20) -> Result:
    """As much as a report must bear: an hour of twenty endpoints."""
    dice = random.Random(3)
    recording = Recording()
    for second in range(int(START), int(START) + seconds):
        for number in range(endpoints):
            recording.slices[recording_key(second, number)] = _busy_slice(dice)
    run = replace(terminated().run, phases=phases(60, 600, 1800, seconds - 2460), load=recording)
    return assemble(run, terminated().slos, terminated().faults)


def recording_key(second: int, number: int) -> SliceKey:
    """The key of one of many endpoints."""
    return SliceKey(second, f"GET /endpoint/{number}")


def _busy_slice(dice: random.Random) -> Slice:
    piece = Slice(ok=10, failed=int(dice.random() < 0.01))
    for _ in range(10):
        took = 0.02 * dice.lognormvariate(0, 0.5)
        piece.response.record(took)
        piece.service.record(took)
    return piece


SAMPLES = {
    "pass": terminated,
    "fail": half_stopped,
    "no-load": without_load,
    "probes": probed,
    "users": watched_users,
    "aborted": aborted,
    "unusable": unusable,
    "large": large,
}
"""Every kind of result that a report has to show, by a short name."""
