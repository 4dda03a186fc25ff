"""Telling people: each channel on its own, tried again, and never in the way of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from chaos.engine.clock import Clock
from chaos.gameday.day import Delivery
from chaos.gameday.message import Message
from chaos.gameday.posting import TIMEOUT, post_json
from chaos.gameday.reasons import Hopeless, reason
from chaos.model.notification import Channel, Email, Slack, Sns, Teams, Webhook, channel_name
from chaos.model.problems import Refused
from chaos.model.secrets import reveal

_SNS_SUBJECT = 100
"""Characters that SNS allows in a subject."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a channel is tried, and how long apart."""

    attempts: int = 4
    first_wait: float = 1.0
    """Seconds; doubled each time."""


def notify(
    channels: Sequence[Channel], message: Message, clock: Clock, patience: Patience | None = None
) -> list[Delivery]:
    """Send it to all channels that want it, side by side; what became of each. Never raises."""
    wanted = [one for one in channels if message.occasion in one.when]
    if not wanted:
        return []
    chosen = patience or Patience()
    with ThreadPoolExecutor(len(wanted)) as pool:
        errors = list(pool.map(lambda one: _deliver(one, message, chosen), wanted))
    return [
        Delivery(message.day, clock.now(), message.occasion, channel_name(channel), error)
        for channel, error in zip(wanted, errors, strict=True)
    ]


def _deliver(channel: Channel, message: Message, patience: Patience) -> str:
    """Empty where it arrived, else why it did not."""
    from tenacity import Retrying, retry_if_not_exception_type, stop_after_attempt, wait_exponential

    attempts = Retrying(
        stop=stop_after_attempt(patience.attempts),
        wait=wait_exponential(multiplier=patience.first_wait),
        retry=retry_if_not_exception_type((Hopeless, Refused)),
        reraise=True,
    )
    try:
        attempts(_SENDERS[type(channel)], channel, message)
    except Exception as error:  # noqa: BLE001 - no channel may break a run
        return reason(error)
    return ""


def _slack(channel: Slack, message: Message) -> None:
    """See "Sending messages using incoming webhooks" in Slack's documentation."""
    # The three signs that Slack itself acts on.
    text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    post_json(channel.slack, {"text": text})


def _teams(channel: Teams, message: Message) -> None:
    """An adaptive card, as the workflows that replaced Teams' connectors take it."""
    blocks = [{"type": "TextBlock", "text": message.headline, "weight": "Bolder", "wrap": True}]
    blocks += [{"type": "TextBlock", "text": line, "wrap": True} for line in message.lines]
    if message.link:
        blocks.append({"type": "TextBlock", "text": f"Report: {message.link}", "wrap": True})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attachments = [{"contentType": kind, "content": card}]
    post_json(channel.teams, {"type": "message", "attachments": attachments})


def _webhook(channel: Webhook, message: Message) -> None:
    post_json(channel.webhook, message.json)


def _email(channel: Email, message: Message) -> None:
    import smtplib

    mail = EmailMessage()
    mail["Subject"] = " ".join(message.headline.split())
    mail["From"], mail["To"] = channel.sender, ", ".join(channel.email)
    mail.set_content(message.text)
    server = channel.smtp
    with smtplib.SMTP(server.host, server.port, timeout=TIMEOUT) as smtp:
        if server.starttls:
            import ssl

            smtp.starttls(context=ssl.create_default_context())
        if server.user and server.password:
            try:
                smtp.login(server.user, reveal(server.password))
            except smtplib.SMTPAuthenticationError as error:  # what it says may repeat the password
                raise Hopeless(f"the mail server refused the login ({error.smtp_code})") from None
        smtp.send_message(mail)


def _sns(channel: Sns, message: Message) -> None:
    import boto3

    region = channel.sns.split(":")[3]
    subject = " ".join(message.headline.split())[:_SNS_SUBJECT]
    plain = subject.encode("ascii", "replace").decode()  # SNS takes no other
    boto3.client("sns", region_name=region).publish(
        TopicArn=channel.sns, Subject=plain, Message=message.text
    )


_SENDERS: dict[type, Callable[[Any, Message], None]] = {
    Slack: _slack,
    Teams: _teams,
    Webhook: _webhook,
    Email: _email,
    Sns: _sns,
}
