"""Readers who ask for one quote after the other."""

from __future__ import annotations

from locust import FastHttpUser, task


class Reader(FastHttpUser):
    """Reads."""

    number = 0

    @task
    def read(self) -> None:
        """The next quote."""
        self.number += 1
        self.client.get(f"/quotes/{self.number}", name="/quotes/[number]")
