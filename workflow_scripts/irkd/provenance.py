"""Where a result comes from: code, packages, machine, inputs."""

import datetime
import hashlib
import importlib.metadata
import json
import platform
from pathlib import Path

from irkd import commit
from irkd.atomic import replacing

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "safetensors")


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


def session() -> dict:
    """This process: when and where it started, on which code and packages."""
    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "host": platform.node(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "git": commit.of(),
    }


def write_json(path: str | Path, content: dict) -> None:
    """Write readable JSON, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")
