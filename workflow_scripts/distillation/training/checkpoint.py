"""The checkpoint of a run: its state during training and, after it, the stored result.

Each run has one folder, with a subfolder named by a key: the hash of everything that determines the
result. State under another key is never read; it stays until somebody deletes it.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch

from distillation.core import atomic, finished_runs
from distillation.core.atomic import replacing, sweep
from distillation.core.errors import UserError

_LOG = logging.getLogger(__name__)

# Apart from the save at the end of each stage, saving takes at most a twentieth of a training's time.
_SAVES_APART = 20


def key_of(parts: Mapping[str, str | None]) -> str:
    """SHA-256 (hex) of everything that determines a result."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Lock the folder of a run; wait while another process holds the lock.

    Raises:
        UserError: if the file system has no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w", encoding="utf-8") as lock:
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _LOG.info("another process trains this run; waiting for it (%s)", lock.name)
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise UserError(
                f"{folder}: cannot lock this folder ({error}); set `pathvars: results` to a file system"
                " with locks."
            ) from error
        yield


class Checkpoint:
    """The state and the stored result of one run under one key.

    Attributes:
        save_seconds: duration of this process's last save; 0 before the first.
    """

    def __init__(self, folder: Path, key: str):
        self._key = key
        self._folder = folder / key[:16]
        self._state = self._folder / "state.pt"
        self._report = self._folder / "progress.json"
        self._result = self._folder / "result"
        self._saved: float | None = None
        self._cost_logged = False
        self.save_seconds = 0.0
        others = [path.name for path in folder.glob("*/") if path != self._folder]
        if others and not self._folder.exists():
            _LOG.info("state of other settings, code or data is ignored: %s in %s", ", ".join(others), folder)
        # The lock ensures that no other process writes here.
        sweep(self._folder)
        sweep(folder.parent)

    def save(self, state: Mapping) -> None:
        """Save the state, plain values and tensors, in place of the last one."""
        begin = time.monotonic()
        # Given a path, torch does not say that the disk is full.
        with replacing(self._state) as temporary, temporary.open("wb") as file:
            torch.save({"key": self._key, "state": dict(state)}, file)
        self._saved = time.monotonic()
        self.save_seconds = self._saved - begin

    def save_if_due(self, state: Callable[[], Mapping], at_once: bool = False) -> bool:
        """Save the state if this process has not saved yet, or its last save is long enough ago.

        The first time that a state is not saved, a log line says what a kill can cost.

        Args:
            state: returns the state.
            at_once: save in any case.

        Returns:
            Whether it was saved.
        """
        apart = _SAVES_APART * self.save_seconds
        if not at_once and self._saved is not None and time.monotonic() - self._saved < apart:
            if not self._cost_logged:
                _LOG.info(
                    "a save takes %.2g s, so the state is saved about every %.2g s and at the end of a stage;"
                    " a killed training repeats the epochs since its last save",
                    self.save_seconds,
                    apart,
                )
            self._cost_logged = True
            return False
        self.save(state())
        return True

    def report(self, progress: Mapping) -> None:
        """Write the progress of the run for `progress.last_report`; the run itself never reads it."""
        atomic.write_json(self._report, dict(progress))

    def load(self, device: torch.device) -> dict | None:
        """The last state saved, or None.

        Raises:
            UserError: if the file cannot be read, is damaged, or is of another run.
        """
        if not self._state.exists():
            return None
        fix = "delete it to train this run from the beginning"
        try:
            # Torch does not look at the checksums that it writes.
            with zipfile.ZipFile(self._state) as records:
                damaged = records.testzip()
            found = torch.load(self._state, map_location=device, weights_only=True)
            known, state = found["key"], found["state"]
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            # Without the error's own text, in which torch advises to load the file unsafely.
            raise UserError(f"{self._state}: cannot be read ({type(error).__name__}); {fix}.") from error
        if damaged:
            raise UserError(f"{self._state}: this file is damaged ({damaged} has another checksum); {fix}.")
        if known != self._key:
            raise UserError(f"{self._state}: this state is of other settings, code or data; {fix}.")
        return state

    def store_result(self, outputs: Mapping[str, Path]) -> None:
        """Store a finished result, whole or not at all, and delete the state."""
        temporary = self._folder / "result.partial"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        # A copy of its own: whatever happens to the outputs, this one stays.
        for name, path in outputs.items():
            shutil.copyfile(path, temporary / name)
        shutil.rmtree(self._result, ignore_errors=True)
        temporary.rename(self._result)
        self._delete_state()

    def write_stored_result(self, outputs: Mapping[str, Path]) -> bool:
        """Write the outputs from the stored result; return whether there is one that is not damaged."""
        if not self._result.exists():
            return False
        if damage := finished_runs.damage({name: self._result / name for name in outputs}):
            _LOG.warning("the stored result is damaged, so the run is trained again: %s", damage)
            shutil.rmtree(self._result)
            return False
        self._delete_state()
        for name, path in outputs.items():
            with replacing(path) as temporary:
                shutil.copyfile(self._result / name, temporary)
        return True

    def _delete_state(self) -> None:
        self._state.unlink(missing_ok=True)
        self._report.unlink(missing_ok=True)
