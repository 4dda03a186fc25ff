"""A workflow of GitHub Actions."""

from __future__ import annotations

import shlex

import yaml

from chaos.gameday.export.timing import cannot, command, cron_of
from chaos.model.gameday_loading import LoadedGameDay


def render(loaded: LoadedGameDay, _image: str) -> str:
    """`.github/workflows/gameday.yml`."""
    if loaded.gameday.approval.required:
        raise cannot(
            loaded,
            "a runner of GitHub's does not see approvals given elsewhere; "
            "leave approval out and protect an environment of GitHub's instead",
        )
    cron, zone = cron_of(loaded, "GitHub Actions"), str(loaded.gameday.timezone)
    run = shlex.join(command(loaded)[:-1])
    once = "${{ github.event_name == 'schedule' && '--scheduled' || '' }}"
    steps = [
        {"uses": "actions/checkout@v4"},
        {"uses": "actions/setup-python@v5", "with": {"python-version": "3.12"}},
        {"run": "pip install chaos-resilience"},
        {"run": f"{run} --plain {once}"},
        {
            "if": "always()",
            "uses": "actions/upload-artifact@v4",
            "with": {"name": "gameday", "path": "reports"},
        },
    ]
    workflow = {
        "name": loaded.gameday.title,
        "on": {"schedule": [{"cron": cron, "timezone": zone}], "workflow_dispatch": {}},
        "concurrency": {"group": f"gameday-{loaded.name}", "cancel-in-progress": False},
        "permissions": {"contents": "read", "id-token": "write"},
        "jobs": {"gameday": {"runs-on": "ubuntu-latest", "steps": steps}},
    }
    head = (
        f"# .github/workflows/gameday-{loaded.name}.yml\n"
        "# GitHub may start a schedule late: schedule.late in the game day's file says how late\n"
        "# it may still begin. Sign in to AWS (aws-actions/configure-aws-credentials) before it.\n"
    )
    return head + yaml.safe_dump(workflow, sort_keys=False, allow_unicode=True, width=100)
