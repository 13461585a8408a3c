"""What survives a killed run: its state, saved now and then, and, at the end, its result.

Everything lives in one folder a run, in a subfolder named by a key: the hash of all that decides
the result. State of another key is never read; it stays where it is until somebody deletes it.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch

from distillation.core import atomic
from distillation.core.atomic import replacing, sweep
from distillation.core.errors import UserError

_LOG = logging.getLogger(__name__)

# A training spends a twentieth of its time on saving at the most, beside the end of each stage.
_SAVES_APART = 20


def key_of(parts: Mapping[str, str | None]) -> str:
    """SHA-256 (hex) of everything that decides a result."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder of a run alone; wait while another process holds it.

    Raises:
        UserError: where the file system has no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _LOG.info("another process trains this run; waiting for it (%s)", lock.name)
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise UserError(
                f"{folder}: cannot lock this folder ({error}); set `pathvars: results` to a place with locks."
            ) from error
        yield


class Checkpoint:
    """The state and the kept result of one run under one key.

    Attributes:
        save_seconds: that the last save of this process took; 0 before the first.
    """

    def __init__(self, folder: Path, key: str):
        self._folder = folder / key[:16]
        self._state = self._folder / "state.pt"
        self._report = self._folder / "progress.json"
        self._result = self._folder / "result"
        self._saved: float | None = None
        self._told_cost = False
        self.save_seconds = 0.0
        others = [path.name for path in folder.glob("*/") if path != self._folder]
        if others and not self._folder.exists():
            _LOG.info("state of other settings, code or data set aside: %s in %s", ", ".join(others), folder)
        # The lock says that no other writer is at work.
        sweep(self._folder)
        sweep(folder.parent)

    def save(self, state: Mapping) -> None:
        """Replace the state by plain values and tensors."""
        begin = time.monotonic()
        with replacing(self._state) as temporary:
            torch.save(state, temporary)
        self._saved = time.monotonic()
        self.save_seconds = self._saved - begin

    def save_if_due(self, state: Callable[[], Mapping], at_once: bool = False) -> bool:
        """Save the state if the last save of this process is long enough ago, or there is none.

        The first state that is not saved is the occasion to log what a kill can cost.

        Args:
            state: makes it.
            at_once: save in any case.

        Returns:
            Whether it was saved.
        """
        apart = _SAVES_APART * self.save_seconds
        if not at_once and self._saved is not None and time.monotonic() - self._saved < apart:
            if not self._told_cost:
                _LOG.info(
                    "a save takes %.2g s, so there is one every %.2g s or so and at the end of a stage:"
                    " a kill costs the epochs since the last",
                    self.save_seconds,
                    apart,
                )
            self._told_cost = True
            return False
        self.save(state())
        return True

    def report(self, progress: Mapping) -> None:
        """Say how far the run is, to whoever reads its folder; of no use to the run itself."""
        atomic.write_json(self._report, dict(progress))

    def load(self, device: torch.device) -> dict | None:
        """The last state saved, or None.

        Raises:
            UserError: when the file cannot be read.
        """
        if not self._state.exists():
            return None
        try:
            return torch.load(self._state, map_location=device, weights_only=True)
        except Exception as error:
            # Not the error's own text, in which torch advises to load the file unsafely.
            raise UserError(
                f"{self._state}: cannot be read ({type(error).__name__}); delete it to start this run anew."
            ) from error

    def keep(self, outputs: Mapping[str, Path]) -> None:
        """Keep a finished result, whole or not at all, and drop the state it grew from."""
        temporary = self._folder / "result.partial"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for name, path in outputs.items():
            # A link costs no space; outputs are replaced, never written to, so it cannot change.
            try:
                os.link(path, temporary / name)
            except OSError:
                shutil.copyfile(path, temporary / name)
        shutil.rmtree(self._result, ignore_errors=True)
        temporary.rename(self._result)
        self._drop()

    def emit(self, outputs: Mapping[str, Path]) -> bool:
        """Write the outputs from the kept result, if there is one; whether there was."""
        if not self._result.exists():
            return False
        self._drop()
        for name, path in outputs.items():
            with replacing(path) as temporary:
                shutil.copyfile(self._result / name, temporary)
        return True

    def _drop(self) -> None:
        self._state.unlink(missing_ok=True)
        self._report.unlink(missing_ok=True)
