"""Reaching AWS: clients, retries, the account guard, and which resources a target means."""
