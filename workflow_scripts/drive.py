"""Run snakemake, also after an earlier run was killed.

    python workflow_scripts/drive.py SNAKEMAKE-ARGUMENTS

A killed snakemake leaves its lock behind, and a stale lock looks like one in use. So this process takes a
lock of the operating system instead and becomes snakemake: the lock lasts exactly as long as snakemake
runs, and signals and the exit status are snakemake's own.

On a terminal, jobs and trainings are shown live; see snakemake_logger_plugin_terminal.
"""

import fcntl
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Replace this process by snakemake with these arguments, or exit with the reason why not."""
    path = Path(".snakemake/driver.lock")
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Another run is active in {Path.cwd()}; wait until it ends.")
        except OSError as error:
            sys.exit(
                f"{path.resolve()}: cannot be locked ({error.strerror}); use a checkout on a file system with"
                " locks, or `snakemake` itself, one at a time."
            )
        # Snakemake inherits the lock, but its jobs do not: subprocess closes inherited files.
        os.set_inheritable(lock.fileno(), True)
        command = [sys.executable, "-m", "snakemake", *_live_view(), "--nolock", *arguments]
        os.execv(sys.executable, command)


def _live_view() -> list[str]:
    """Options for the live view if there is a terminal; Snakemake looks for plugins on PYTHONPATH."""
    if not sys.stderr.isatty():
        return []
    places = [str(Path(__file__).resolve().parent), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, places))
    return ["--logger", "terminal"]


if __name__ == "__main__":
    main(sys.argv[1:])
