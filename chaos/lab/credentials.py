"""What it takes to call one lab's API, and to name that lab to the processes in it."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from typing import Self

_LETTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key; made anew for each lab."""

    access_key_id: str
    secret_access_key: str

    @classmethod
    def generate(cls) -> Self:
        """A key that nobody can guess, in AWS's form."""
        key_id = "AKIA" + "".join(secrets.choice(_LETTERS) for _ in range(16))
        return cls(key_id, secrets.token_urlsafe(30))

    def environment(self, endpoint_url: str, region: str) -> dict[str, str]:
        """The environment variables that point any AWS tool at the lab."""
        return {
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
        }
