"""The seam through which every AWS call passes."""

from __future__ import annotations

from typing import Any, Protocol


class ClientFactory(Protocol):
    """Where actions and probes get their clients from."""

    def client(self, service: str) -> Any:
        """A boto3 client: `client("ec2")`. The same one each time it is asked for."""
