"""Commands that end cleanly before this machine is taken away."""

import contextlib
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

# Trainings save their state and end within 25 s of SIGTERM. Others are killed, which loses the epochs since
# their last save.
_GRACE_SECONDS = 30.0
_POLL_SECONDS = 0.2


class Limit:
    """The moment at which commands are stopped: after a number of minutes, or earlier at SIGTERM or SIGINT.

    Must be created in the main thread.
    """

    def __init__(self, minutes: float = math.inf):
        self._end = time.monotonic() + 60 * minutes
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._reach)

    def reached(self) -> bool:
        """Whether commands have to stop."""
        return time.monotonic() >= self._end

    def seconds_left(self) -> float:
        """Seconds until the limit; negative after it."""
        return self._end - time.monotonic()

    def _reach(self, _number: int, _frame: FrameType | None) -> None:
        self._end = -math.inf


def run(
    command: Sequence[str],
    folder: Path,
    limit: Limit,
    meanwhile: Callable[[], None] = lambda: None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a command and return its exit status, as in a shell.

    At the limit the command and all its children get SIGTERM, and half a minute later SIGKILL.

    Args:
        command: program and arguments.
        folder: working directory.
        limit: when it is stopped.
        meanwhile: called repeatedly while the command runs; an exception from it ends the command.
        environment: variables added to those of this process.
    """
    variables = {**os.environ, **(environment or {})}
    process = subprocess.Popen(command, cwd=folder, env=variables, start_new_session=True)
    try:
        while not limit.reached():
            with contextlib.suppress(subprocess.TimeoutExpired):
                return _status(process.wait(_POLL_SECONDS))
            meanwhile()
        _send(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    finally:
        # Children outlive a parent that is killed or ends before them.
        _send(process, signal.SIGKILL)
    return _status(process.wait())


def _status(code: int) -> int:
    return code if code >= 0 else 128 - code


def _send(process: subprocess.Popen, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
