"""Which of a machine's GPUs a job takes where nothing else tells it: the one with the fewest of our jobs."""

import fcntl
import itertools
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

# A lock lasts as long as its file is open: until the process ends, however it ends.
_HELD: list[IO] = []


def claim(names: Sequence[str], folder: Path | None = None) -> int:
    """Take a share of one of several GPUs until this process ends.

    A GPU without a job is taken before one with a job, one with a job before one with two; among equals
    the first. Jobs of other users are not counted.

    Args:
        names: that tell the visible GPUs of this machine apart in every process, such as their UUIDs.
        folder: of the locks, on this machine; by default one of this user's among the temporary files.

    Returns:
        The index of the GPU among the names.
    """
    folder = folder or Path(tempfile.gettempdir()) / f"irkd-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for share in itertools.count(1):
        for index, name in enumerate(names):
            lock = (folder / f"{name}.{share}").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
            else:
                _HELD.append(lock)
                return index
    raise AssertionError("there is always a further share")
