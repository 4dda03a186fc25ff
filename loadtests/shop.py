"""Shoppers: most browse, some look closer, a few buy.

Run by an experiment (`load: {locustfile: loadtests/shop.py, rate: 100/s}`), or by Locust itself:
`locust -f loadtests/shop.py --host http://127.0.0.1:8080`.
"""

from __future__ import annotations

import random

from locust import FastHttpUser, between, task

PRODUCTS = range(1, 11)
"""Ids that the shop has for sure; asking for them first would be load of its own."""

CREATED = 201


class Shopper(FastHttpUser):
    """One customer with one connection to the shop."""

    wait_time = between(0.5, 2)  # Seconds; only where `users` is given: a `rate` sets its own pace.

    @task(6)
    def browse(self) -> None:
        """Look at the list of products."""
        self.client.get("/products")

    @task(3)
    def look_closer(self) -> None:
        """Look at one product; all of them count as one endpoint."""
        self.client.get(f"/products/{random.choice(PRODUCTS)}", name="/products/[id]")

    @task(1)
    def purchase(self) -> None:
        """Buy something. Only 201 (Created) is a purchase; any other answer is a failure."""
        order = {"product_id": random.choice(PRODUCTS), "quantity": random.randint(1, 3)}
        with self.client.post("/purchase", json=order, catch_response=True) as answer:
            if answer.status_code != CREATED:
                answer.failure(f"no purchase: {answer.status_code}")
