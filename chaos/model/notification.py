"""Who is told of a game day, and how. Addresses that are secrets stay in the environment."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Tag

from chaos.model.experiment import Texts
from chaos.model.fields import Declared, Duration, Name, as_text, of_form
from chaos.model.messages import TAG
from chaos.model.secrets import REFERENCE


class _Unshown(str):
    """Text that is not repeated in a message about it."""

    __slots__ = ()

    def __str__(self) -> str:
        return "something that is not shown here"


def _reference(value: object) -> str:
    if isinstance(value, str) and REFERENCE.fullmatch(value):
        return "".join(value)  # the text itself
    raise ValueError("write ${env:NAME}: a secret does not belong into a file")


Secret = Annotated[
    str,
    PlainValidator(_reference),
    BeforeValidator(lambda value: _Unshown(value) if isinstance(value, str) else value),
    as_text("A reference to an environment variable.", "${env:SLACK_WEBHOOK}"),
]
Url = Annotated[
    str, of_form(r"(https?://|\$\{env:\w+\}).*", "http://..., https://... or ${env:NAME}")
]


class Occasion(StrEnum):
    """When someone is told."""

    BEFORE = "before"
    ABORT = "abort"
    """It was refused, aborted, cut off, or left something broken."""
    AFTER = "after"


class _Channel(Declared):
    """What all channels have."""

    when: Annotated[tuple[Occasion, ...], Field(description="Default: all.")] = tuple(Occasion)


class Slack(_Channel):
    """An incoming webhook of Slack."""

    slack: Secret


class Teams(_Channel):
    """A workflow of Microsoft Teams that posts to a channel when a webhook is called."""

    teams: Secret


class Webhook(_Channel):
    """Any URL: the message is posted there as JSON."""

    webhook: Url


class Smtp(Declared):
    """The mail server."""

    host: Name
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    starttls: bool = True
    user: str | None = None
    password: Secret | None = None


class Email(_Channel):
    """A mail."""

    email: Annotated[Texts, Field(min_length=1, description="Addresses.")]
    sender: Annotated[Name, Field(alias="from")]
    smtp: Smtp


class Sns(_Channel):
    """A topic of Amazon SNS."""

    sns: Annotated[str, of_form(r"arn:aws[\w-]*:sns:[\w-]+:\d{12}:.+", "the ARN of a topic")]


CHANNELS = {"slack": Slack, "teams": Teams, "webhook": Webhook, "email": Email, "sns": Sns}
"""By the key that makes a channel one of its kind."""


def channel_name(channel: Declared) -> str:
    """What a channel is called in reports; its address is not told."""
    return next(name for name, kind in CHANNELS.items() if isinstance(channel, kind))


def _kind_of(value: Any) -> str | None:
    if isinstance(value, _Channel):
        return TAG + channel_name(value)
    keys = [key for key in CHANNELS if isinstance(value, dict) and key in value]
    return TAG + keys[0] if len(keys) == 1 else None


Channel = Annotated[
    Annotated[Slack, Tag(TAG + "slack")]
    | Annotated[Teams, Tag(TAG + "teams")]
    | Annotated[Webhook, Tag(TAG + "webhook")]
    | Annotated[Email, Tag(TAG + "email")]
    | Annotated[Sns, Tag(TAG + "sns")],
    Discriminator(
        _kind_of,
        custom_error_type="choice",
        custom_error_message=f"a notification has exactly one of {', '.join(CHANNELS)}",
    ),
]


class Notifications(Declared):
    """Who is told, how early, and where the report can be read."""

    channels: tuple[Channel, ...] = ()
    ahead: Annotated[
        Duration, Field(description="How long before a scheduled day `before` is sent.")
    ] = 3600.0
    report_url: Annotated[
        str | None, Field(description="Where reports are published; ${id} is the game day's.")
    ] = None
