"""The processes that trained a run, as listed in run.json."""

import datetime
import importlib.metadata
import platform

from distillation.core import commit

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "safetensors")


def session() -> dict:
    """Describe this process: start time, host, Python and package versions, and commit of the code."""
    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "host": platform.node(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "git": commit.of(),
    }
