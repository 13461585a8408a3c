"""The processes that had part in a training, as run.json lists them."""

import datetime
import importlib.metadata
import platform

from distillation.core import commit

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "safetensors")


def session() -> dict:
    """This process: when and where it started, on which code and packages."""
    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "host": platform.node(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "git": commit.of(),
    }
