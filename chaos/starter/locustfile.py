"""What users do. Any Locust file works; see https://docs.locust.io."""

from locust import FastHttpUser, between, task


class Visitor(FastHttpUser):
    """Looks around, and sometimes looks closer."""

    wait_time = between(0.5, 2)  # the closed model's pause; with a rate, arrivals set the pace

    @task(3)
    def browse(self) -> None:
        """Look at what there is."""
        self.client.get("/products")

    @task
    def look_closer(self) -> None:
        """Look at one product."""
        self.client.get("/products/1", name="/products/[id]")
