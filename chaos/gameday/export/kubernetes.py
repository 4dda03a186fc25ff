"""A CronJob of Kubernetes."""

from __future__ import annotations

import yaml

from chaos.gameday.export.timing import command, cron_of, schedule_of
from chaos.model.gameday_loading import LoadedGameDay

_STOP = 600
"""Seconds that a rollback may take when the pod is ended."""

_NAME_LENGTH = 52
"""What Kubernetes allows for the name of a CronJob."""


def render(loaded: LoadedGameDay, image: str) -> str:
    """A manifest: never two at once, never started a second time by itself."""
    name = f"gameday-{loaded.name}"[:_NAME_LENGTH].rstrip("-")
    container = {
        "name": "chaos",
        "image": image,
        "command": command(loaded),
        "volumeMounts": [{"name": "reports", "mountPath": "/work/reports"}],
        "workingDir": "/work",
    }
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _STOP,
        "containers": [container],
        "volumes": [{"name": "reports", "persistentVolumeClaim": {"claimName": "chaos-reports"}}],
    }
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {
            "schedule": cron_of(loaded, "Kubernetes"),
            "timeZone": str(loaded.gameday.timezone),
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": int(schedule_of(loaded).late),
            "jobTemplate": {"spec": {"backoffLimit": 0, "template": {"spec": pod}}},
        },
    }
    head = (
        f"# {loaded.gameday.title}\n"
        "# The image holds chaos and the game day's files in /work; the claim chaos-reports keeps\n"
        "# the reports, and with them what has been run and approved.\n"
    )
    return head + yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=100)
