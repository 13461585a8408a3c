"""Run snakemake, also after an earlier run was killed, and say how to go on after it was stopped.

    python workflow_scripts/drive.py SNAKEMAKE-ARGUMENTS

A killed snakemake leaves its lock behind, and a stale lock looks like one in use. So this process takes a
lock of the operating system instead, and runs snakemake itself.

SIGTERM and Ctrl-C end the jobs too; at SIGTERM, a training saves the epoch that it is in if that ends soon.
The exit status is then 143 or 130, as in a shell, and otherwise snakemake's own.

On a terminal, jobs and trainings are shown live; see snakemake_logger_plugin_terminal.
"""

import sys
from pathlib import Path

from driver import lock, stops


def _snakemake() -> None:
    # Here, as whoever finds the lock taken must not wait for it.
    from snakemake import cli

    live_view = ["--logger", "terminal"] if sys.stderr.isatty() else []
    cli.main([*live_view, "--nolock", *sys.argv[1:]])


if __name__ == "__main__":
    with lock.alone(Path(".snakemake/driver.lock")):
        sys.exit(stops.run(_snakemake))
