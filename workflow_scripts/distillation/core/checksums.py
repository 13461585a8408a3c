"""Checksums of files."""

import hashlib
from pathlib import Path


def file_digest(path: Path, algorithm: str) -> str:
    """Digest (hex) of a file's content; `algorithm` is a name that `hashlib` knows.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def sha256(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    return file_digest(path, "sha256")
