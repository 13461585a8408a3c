"""Run snakemake, and go on by itself after a run that was killed.

    python workflow_scripts/drive.py SNAKEMAKE-ARGUMENTS

A killed snakemake leaves its lock behind, and whether a lock is stale cannot be seen from it. So this
process takes one of the operating system's in its place and becomes snakemake: the lock lasts exactly
as long as snakemake does, and signals and the exit status are snakemake's own.

On a terminal its jobs and trainings are shown live; see snakemake_logger_plugin_terminal.
"""

import fcntl
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Become snakemake with these arguments, or exit with a reason why not."""
    path = Path(".snakemake/driver.lock")
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Another run is at work in {Path.cwd()}; wait until it ends.")
        # Snakemake inherits the lock, its jobs do not: subprocess closes what it does not pass on.
        os.set_inheritable(lock.fileno(), True)
        command = [sys.executable, "-m", "snakemake", *_live_view(), "--nolock", *arguments]
        os.execv(sys.executable, command)


def _live_view() -> list[str]:
    """Options that show it where there is a terminal; Snakemake looks for plugins on PYTHONPATH."""
    if not sys.stderr.isatty():
        return []
    places = [str(Path(__file__).resolve().parent), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, places))
    return ["--logger", "terminal"]


if __name__ == "__main__":
    main(sys.argv[1:])
