"""Files that appear complete or not at all, even if the writer is killed."""

import glob
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MARK = ".partial-"
# Of a file that no writer can be at work on any more.
_ABANDONED_SECONDS = 24 * 3600


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it if the block ends without an exception.

    What killed writers of this path have left is deleted once it is a day old: until then another writer may
    be at work, such as a job whose driver was killed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}{_MARK}*"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                left.unlink()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}{_MARK}", dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | Path, content: dict) -> None:
    """Write readable JSON, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def sweep(folder: Path) -> None:
    """Delete the temporary files of killed writers in a folder; only if no writer can be active."""
    for temporary in folder.glob(f".*{_MARK}*"):
        temporary.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
