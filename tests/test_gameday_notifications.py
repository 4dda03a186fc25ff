"""Telling people: every channel against a local receiver, and no failure that gets in the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chaos.gameday.day import Day, DayRun, DayStatus, RunStatus
from chaos.gameday.message import Message, Planned, before, ended
from chaos.gameday.notifications import Patience, notify
from chaos.gameday.preconditions import Asking, unmet
from chaos.model.notification import Occasion
from chaos.probes.observation import Surroundings
from tests.gameday_parts import JumpingClock, gameday
from tests.receivers import Received, mail_server, webhook

AT_ONCE = Patience(attempts=3, first_wait=0)
TOPIC = "arn:aws:sns:us-east-1:123456789012:chaos"

DAY = Day("shop-1", "shop", "Thursday", "shop.yaml", 1_795_000_000.0, DayStatus.PASSED)


@pytest.fixture
def hook() -> Iterator[Received]:
    """A webhook that takes everything."""
    with webhook() as received:
        yield received


def message(occasion: Occasion = Occasion.AFTER) -> Message:
    """A message with all signs that a channel may act on."""
    lines = ("1. Availability >= 99% & more: pass.",)
    return Message(occasion, "shop-1", "Thursday", "passed", "Passed: Thursday", lines, "a/b.html")


def send(*channels: dict[str, Any], said: Message | None = None) -> list[tuple[str, str]]:
    """Send to these channels; each one's name and what went wrong."""
    declared = gameday(notifications={"channels": list(channels)}).notifications.channels
    sent = notify(declared, said or message(), JumpingClock(0.0), AT_ONCE)
    return [(one.channel, one.error) for one in sent]


def test_each_channel_gets_the_form_it_takes(
    hook: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack, Teams and a plain webhook; the addresses of two are secrets of the environment."""
    monkeypatch.setenv("SECRET_URL", f"{hook.url}/secret")
    channels = (
        {"slack": "${env:SECRET_URL}"},
        {"teams": "${env:SECRET_URL}"},
        {"webhook": f"{hook.url}/plain"},
    )
    assert send(*channels) == [("slack", ""), ("teams", ""), ("webhook", "")]
    assert {path for path, _ in hook.posts} == {"/secret", "/plain"}
    bodies = [body for _, body in hook.posts]
    slack = next(body for body in bodies if set(body) == {"text"})
    assert "&gt;= 99% &amp; more" in slack["text"]
    teams = next(body for body in bodies if body.get("type") == "message")
    card = teams["attachments"][0]["content"]
    assert (card["type"], card["body"][0]["text"]) == ("AdaptiveCard", "Passed: Thursday")
    plain = next(body for body in bodies if "occasion" in body)
    assert (plain["occasion"], plain["day"], plain["link"]) == ("after", "shop-1", "a/b.html")


def test_a_mail_has_the_headline_as_its_subject() -> None:
    """And everything in its body."""
    with mail_server() as received:
        smtp = {"host": "127.0.0.1", "port": received.port, "starttls": False}
        channel = {"email": ["a@example.com", "b@example.com"], "from": "c@example.com"}
        assert send({**channel, "smtp": smtp}) == [("email", "")]
    (mail,) = received.mails
    assert "Subject: Passed: Thursday" in mail
    assert "To: a@example.com, b@example.com" in mail
    assert "1. Availability >=" in mail
    assert "Report: a/b.html" in mail


@pytest.mark.real
def test_a_topic_of_sns_gets_it(aws: Any, moto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the credentials that boto3 finds by itself."""
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name="chaos")["TopicArn"]
    queue = sqs.create_queue(QueueName="people")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:people"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    host, port = moto.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    assert send({"sns": topic}) == [("sns", "")]
    got = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert got["Subject"] == "Passed: Thursday"
    assert "Report: a/b.html" in got["Message"]


def test_a_channel_is_tried_again_where_that_may_help(hook: Received) -> None:
    """After a server's error, or too many requests; not after one of ours."""
    hook.statuses = [503, 429]
    assert send({"webhook": hook.url}) == [("webhook", "")]
    assert len(hook.posts) == 3
    hook.posts.clear()
    hook.statuses = [404]
    assert send({"webhook": hook.url}) == [("webhook", "HTTP 404")]
    assert len(hook.posts) == 1


def test_no_failure_gets_out_and_none_holds_up_the_others(
    hook: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead address, a missing secret, a mail server that is none; the last one still arrives."""
    monkeypatch.setenv("NOT_A_URL", "gopher://secret-token@example.com")
    smtp = {"host": "127.0.0.1", "port": 1, "starttls": False}
    said = send(
        {"webhook": "http://127.0.0.1:1/token-in-the-path"},
        {"slack": "${env:NOT_SET_ANYWHERE}"},
        {"slack": "${env:NOT_A_URL}"},
        {"email": "a@example.com", "from": "b@example.com", "smtp": smtp},
        {"webhook": hook.url},
    )
    assert [name for name, _ in said] == ["webhook", "slack", "slack", "email", "webhook"]
    assert said[0][1].startswith("ConnectionRefusedError")
    assert said[1][1] == "the environment variable NOT_SET_ANYWHERE is not set"
    assert said[4][1] == ""
    assert not any("token" in error for _, error in said)
    assert len(hook.posts) == 1


def test_a_channel_is_told_only_what_it_wants(hook: Received) -> None:
    """By the occasion."""
    only_abort = {"webhook": hook.url, "when": ["abort"]}
    assert send(only_abort) == []
    assert send(only_abort, said=message(Occasion.ABORT)) == [("webhook", "")]


def test_before_says_what_will_run_and_what_is_missing() -> None:
    """When, where, who, what, and how to approve it."""
    declared = gameday(
        owner="shop-team", timezone="Europe/Berlin", participants=[{"name": "Lead", "role": "lead"}]
    )
    plan = [Planned("It survives", ("availability >= 99%",))]
    said = before(declared, DAY, plan, "nobody has approved it").text
    assert "Thursday, Wed 2026-11-18 12:06 (Europe/Berlin)" in said
    assert "With: Lead (lead)" in said
    assert "1. It survives (availability >= 99%)" in said
    assert "It will not begin yet: nobody has approved it" in said


def test_after_says_the_verdict_of_each_experiment_and_where_to_read_on() -> None:
    """What did not run to its end goes to those who want to know of aborts."""
    run = DayRun("shop-1", 1, "x.yaml", "It survives", "", RunStatus.FAIL, 0.0, said="Missed.")
    said = ended(DAY, [run], "https://r/shop-1", whole=True)
    assert said.occasion is Occasion.AFTER
    assert "1. It survives: fail. Missed." in said.text
    assert "Report: https://r/shop-1" in said.text
    assert ended(DAY, [run], None, whole=False).occasion is Occasion.ABORT


class FakeAws:
    """Answers of the two services that tell of budgets and freezes."""

    def __init__(self, left: float = 0.5, calendar: str = "OPEN") -> None:
        self.left, self.calendar = left, calendar

    def client(self, _service: str) -> FakeAws:
        return self

    def get_calendar_state(self, CalendarNames: list[str]) -> dict[str, str]:  # noqa: N803
        assert CalendarNames == ["freezes"]
        return {"State": self.calendar}

    def batch_get_service_level_objective_budget_report(self, **asked: Any) -> dict[str, Any]:
        if asked["SloIds"] == ["unknown"]:
            return {"Reports": []}
        return {
            "Reports": [
                {"TotalBudgetSeconds": 1000, "BudgetSecondsRemaining": round(1000 * self.left)}
            ]
        }


def against(aws: FakeAws | None, *preconditions: dict[str, Any]) -> list[str]:
    """The preconditions that do not hold."""
    asking = Asking(Surroundings("", aws), {"title": "x"}, 0.0)
    return list(unmet(gameday(preconditions=list(preconditions)), asking))


def test_preconditions_that_hold_say_nothing(hook: Received, tmp_path: Any) -> None:
    """Every kind of its own, and a probe."""
    assert (
        against(
            FakeAws(),
            {"error_budget": {"slo": "shop", "at_least": "25%"}},
            {"change_calendar": "freezes"},
            {"freeze_file": str(tmp_path / "none")},
            {"ask": hook.url},
            {"command": ["true"]},
        )
        == []
    )
    assert hook.posts == [("/", {"title": "x"})]


def test_each_precondition_that_does_not_hold_says_why(hook: Received, tmp_path: Any) -> None:
    """All of them at once; what cannot be asked is no yes."""
    hook.answer = b'{"allow": false, "reason": "a release is on"}'
    (tmp_path / "freeze").touch()
    said = against(
        FakeAws(left=0.1, calendar="CLOSED"),
        {"error_budget": {"slo": "shop", "at_least": "25%"}},
        {"error_budget": {"slo": "unknown", "at_least": "25%"}},
        {"change_calendar": "freezes"},
        {"freeze_file": str(tmp_path / "freeze")},
        {"ask": hook.url},
        {"ask": "http://127.0.0.1:1/secret"},
        {"command": ["false"]},
    )
    assert said[0] == "error budget of shop: 10.0% left, wanted at least 25.0%"
    assert said[1] == "error budget of unknown: there is no such SLO"
    assert said[2] == "change calendar freezes: CLOSED"
    assert said[3].endswith("freeze: it is there")
    assert said[4].endswith("a release is on")
    assert "secret" not in said[5]
    assert len(said) == 7
    assert "needs AWS" in against(None, {"change_calendar": "freezes"})[0]
