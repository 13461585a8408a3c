"""Run snakemake, and recover by itself from a run whose driver was killed.

    python workflow_scripts/drive.py SNAKEMAKE-ARGUMENTS

A killed driver leaves Snakemake's lock behind. Whether a lock is stale cannot be seen from the lock,
so this process holds one of the operating system's, which dies with it, and clears the other.
"""

import subprocess
import sys
from pathlib import Path

from filelock import FileLock, Timeout


def main(arguments: list[str]) -> int:
    """Run snakemake with these arguments; its exit status."""
    lock = Path(".snakemake/driver.lock")
    lock.parent.mkdir(exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            unlocking = subprocess.run(
                ["snakemake", *arguments, "--unlock"], check=False, stderr=subprocess.PIPE, text=True
            )
            if unlocking.returncode:
                print(unlocking.stderr, file=sys.stderr)
                return unlocking.returncode
            return subprocess.run(["snakemake", *arguments], check=False).returncode
    except Timeout:
        print(f"Another run is at work in {Path.cwd()}; wait until it ends.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
