"""Download the wheels for a machine with torch but without a network; see docs/offline-node.md.

Usage: python3 workflow_scripts/collect_wheels.py FOLDER PYTHON-VERSION [PINNED PACKAGE ON THE MACHINE ...]
"""

import sys
from pathlib import Path

from distillation.core.errors import UserError
from offline_node import wheels

PINS = Path(__file__).resolve().parents[1] / "envs/requirements.txt"


def main(folder: str, version: str, *more: str) -> None:
    """Fill the folder, or exit with an error message."""
    try:
        found = wheels.collect(PINS, Path(folder), version, brought={*wheels.BROUGHT, *more})
    except UserError as error:
        sys.exit(str(error))
    size = sum(wheel.stat().st_size for wheel in found) / 2**20
    print(f"{folder}: {len(found)} wheels for Python {version}, {size:.1f} MiB")


if __name__ == "__main__":
    main(*sys.argv[1:])
