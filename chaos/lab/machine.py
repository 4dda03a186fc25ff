"""The machine of one EC2 instance: the processes that its user data starts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from enum import Enum, auto
from pathlib import Path

from chaos.lab.loopback import accepts, reserve_port
from chaos.lab.processes import living

_GIVE_UP_AFTER = 5.0
"""Seconds until a killed process that does not end counts as ended."""

_LOOK_EVERY = 1.0
"""Seconds between two looks for what a shell that has ended left running."""


class Power(Enum):
    """What the machine does now."""

    OFF = auto()
    ON = auto()
    GOING_OFF = auto()


class Machine:
    """One machine. It keeps its port for life, and its directory across starts, as a disk."""

    def __init__(self, instance_id: str, zone: str, directory: Path) -> None:
        self.instance_id = instance_id
        self.zone = zone
        self.power = Power.OFF
        self.boot_at: float | None = None
        """When it is to be switched on (of `time.monotonic`); None while nobody wants that."""
        self.reboots = 0
        """Reboots that it has made."""
        self.serving = False
        """Whether its port has accepted a connection since it was switched on."""
        self.has_served = False
        """Whether it ever was serving."""
        self.exit_noticed = False
        self._directory = directory
        self._directory.mkdir(parents=True)
        self._reservation, self.port = reserve_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._kill_at = 0.0
        self._look_again_at = 0.0

    @property
    def pid(self) -> int | None:
        """Of the shell that runs, or ran, the user data; None while off."""
        return self._process.pid if self._process else None

    def switch_on(self, user_data: str, environment: Mapping[str, str]) -> None:
        """Run the user data with /bin/sh, in a process group of its own."""
        script = self._directory / "user-data"
        script.write_text(user_data)
        with (self._directory / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                ["/bin/sh", str(script)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                cwd=self._directory,
                env={**environment, "HOME": str(self._directory), "PORT": str(self.port)},
                process_group=0,
            )
        self.power = Power.ON
        self.boot_at = None
        self.serving = self.exit_noticed = False

    def switch_off(self, grace: float) -> None:
        """Begin to end all its processes: SIGTERM, and SIGKILL after `grace` seconds."""
        self.boot_at = None
        if self.power is not Power.ON:
            return
        self.power = Power.GOING_OFF
        self._kill_at = time.monotonic() + grace
        if grace:
            self._signal(signal.SIGTERM)

    def is_off(self) -> bool:
        """Whether it is off; kills what has outlived the grace."""
        if self.power is Power.GOING_OFF and (
            time.monotonic() >= self._kill_at or not self._shell_lives()
        ):
            self._kill()
        return self.power is Power.OFF

    def has_exited(self) -> bool:
        """Whether nothing that the user data started in its process group is left."""
        if self._process is None or self._shell_lives():
            return False
        if time.monotonic() < self._look_again_at:
            return False  # The list of all processes is long.
        self._look_again_at = time.monotonic() + _LOOK_EVERY
        shell = self._process.pid
        return not any(process.group == shell for process in living())

    def accepts(self) -> bool:
        """Whether its port accepts connections."""
        return accepts(self.port)

    def scrap(self) -> None:
        """Kill it at once and give up its port."""
        if self.power is not Power.OFF:
            self._kill()
        if self._reservation:
            self._reservation.close()

    def _kill(self) -> None:
        process = self._process
        if process:
            self._signal(signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GIVE_UP_AFTER)
        self._process = None
        self.power = Power.OFF
        self.serving = False

    def _signal(self, number: signal.Signals) -> None:
        if self._process:
            # Nobody has waited for the shell yet, so its number, and its group's, is still its own.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _shell_lives(self) -> bool:
        """Look without waiting for it: an ended shell must keep its number until `_kill`."""
        if self._process is None:
            return False
        if not hasattr(os, "waitid"):  # Python on macOS, before 3.13.
            return self._process.poll() is None
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, options) is None
