"""Names of the messages between agents and controller, sent through Locust's own connections."""

HELLO = "chaos_hello"
"""Agent to controller: `asked_at`, the agent's monotonic clock."""

SETUP = "chaos_setup"
"""Controller to agent: `settings`, `now` (seconds since the epoch), and `asked_at` back again."""

BEGIN = "chaos_begin"
"""Controller to agent: `at`, and which share of the arrivals is the agent's: `index`, `of`."""

FINISH = "chaos_finish"
"""Controller to agent: `at`."""

REPORT = "chaos_report"
"""Agent to controller: a `Report`."""
