"""A lock that lasts exactly as long as a process: a killed one leaves none behind."""

import contextlib
import fcntl
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the operating system's lock of a file, which is made if it is missing.

    Raises:
        SystemExit: another process holds it, or it cannot be made or locked; with the reason.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        lock = path.open("w", encoding="utf-8")
    except OSError as error:
        sys.exit(f"{path.resolve()}: cannot be written ({error.strerror}); use a checkout of your own.")
    # Jobs do not inherit the lock: subprocess closes inherited files.
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Another run is active in {Path.cwd()}; wait until it ends.")
        except OSError as error:
            sys.exit(
                f"{path.resolve()}: cannot be locked ({error.strerror}); use a checkout on a file system with"
                " locks, or `snakemake` itself, one at a time."
            )
        yield
