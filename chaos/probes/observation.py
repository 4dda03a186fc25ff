"""What a probe saw."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.aws.factory import ClientFactory


@dataclass(frozen=True, slots=True)
class Observation:
    """One answer."""

    good: bool
    text: str
    """One line: what was asked, what came back."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a probe may need to ask."""

    host: str
    """The environment's host; empty where it has none."""
    clients: ClientFactory | None
    """None where there is no AWS."""

    def client_of(self, service: str) -> object:
        """A boto3 client.

        Raises:
            ProbeFailed: there is no AWS to ask.
        """
        if self.clients is None:
            raise ProbeFailed("needs AWS; the environment has only a host")
        return self.clients.client(service)


class ProbeFailed(Exception):
    """The question could not be put; that is no good answer."""
