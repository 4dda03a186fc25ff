"""The `chaos` command as a user would call it, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.aws.clients import BotoClients
from tests.eventually import eventually
from tests.lab_fixtures import RunningLab

ROOT = Path(__file__).parent.parent
CHAOS = [sys.executable, "-m", "chaos"]


@dataclass
class Chaos:
    """Calls `chaos` in a directory of its own, against a lab that is up (or none)."""

    directory: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def __post_init__(self) -> None:
        self.environment["XDG_STATE_HOME"] = str(self.directory / "state")

    @property
    def reports(self) -> Path:
        """Where runs are written."""
        return self.directory / "reports"

    def use(self, lab: RunningLab) -> None:
        """Let `--env shared` mean that lab, as a named environment means an account."""
        handle = lab.handle
        (self.directory / "chaos.toml").write_text(
            "[environments.shared]\n"
            f'region = "{handle.region}"\n'
            f'account = "{handle.account_id}"\n'
            f'endpoint_url = "{handle.endpoint_url}"\n'
            f'host = "{handle.host}"\n'
        )
        self.environment["AWS_ACCESS_KEY_ID"] = handle.access_key_id
        self.environment["AWS_SECRET_ACCESS_KEY"] = handle.secret_access_key

    def use_api(self, clients: BotoClients, *settings: str) -> None:
        """Let `--env shared` mean that moto, with further lines of settings."""
        self.directory.mkdir(exist_ok=True)
        lines = [
            "[environments.shared]",
            'region = "us-east-1"',
            f'endpoint_url = "{clients.client("ec2").meta.endpoint_url}"',
            *settings,
        ]
        (self.directory / "chaos.toml").write_text("\n".join(lines))
        self.environment |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}

    def __call__(self, *words: str | Path, within: float = 150) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return subprocess.run(
            [*CHAOS, *map(str, words)],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )

    @contextmanager
    def running(self, *words: str | Path) -> Iterator[subprocess.Popen[str]]:
        """Start it, and make sure that it is gone afterwards."""
        process = subprocess.Popen(
            [*CHAOS, *map(str, words)],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            sys.stdout.write(process.communicate()[0])  # pytest shows it where the test fails

    def run_directory(self) -> Path:
        """Where the newest run is written, finished or not."""
        return max(path for path in self.reports.iterdir() if path.name[0].isdigit())

    def report(self) -> Any:
        """The newest report.json."""
        return json.loads((self.reports / "latest" / "report.json").read_text())

    def await_journal(self, text: str, within: float = 60) -> None:
        """Return once the journal of the newest run says that."""

        def said() -> bool:
            if not self.reports.exists() or not any(self.reports.iterdir()):
                return False
            journal = self.run_directory() / "journal.jsonl"
            return journal.exists() and text in journal.read_text()

        eventually(said, within, f"the journal says {text}")


def shortened(name: str, directory: Path, *shorter: tuple[str, str]) -> Path:
    """One of the shipped experiments, with these times (as declared, as wanted) shorter."""
    text = (ROOT / "experiments" / name).read_text()
    for declared, wanted in (*shorter, ("../loadtests", str(ROOT / "loadtests"))):
        assert declared in text
        text = text.replace(declared, wanted)
    file = directory / name
    file.write_text(text)
    return file


def stop_two_in(clients: BotoClients, directory: Path, lasts: str = "60s") -> Path:
    """Two instances, and an experiment that stops them for so long; without load."""
    made = clients.client("ec2").run_instances(ImageId="ami-12345678", MinCount=2, MaxCount=2)
    ids = ", ".join(one["InstanceId"] for one in made["Instances"])
    file = directory / "stop-two.yaml"
    file.write_text(
        "title: Two stop\n"
        f"targets: {{two: {{type: aws:ec2:instance, ids: [{ids}]}}}}\n"
        "actions:\n"
        f"  stop: {{action: aws:ec2:stop-instances, targets: two, duration: {lasts}}}\n"
    )
    return file
