"""Show the progress of a study's trainings, on this machine or on the cluster that writes its files.

    python workflow_scripts/watch.py [OVERLAY.yaml ...]

The overlays are those given to snakemake by --configfile; without any, the study is that of config.yaml.
"""

import contextlib
import sys
import time
from pathlib import Path

import yaml
from distillation.core.errors import UserError
from distillation.study import study
from distillation.training import progress
from rich.console import Console

HOME = Path(__file__).resolve().parents[1]


def main(overlays: list[str]) -> None:
    """Show the trainings until all are done or, without a terminal, print their state once."""
    files = [HOME / "config.yaml", *map(Path, overlays)]
    try:
        config = study.merge(*(yaml.safe_load(file.read_text()) for file in files))
        resolved = study.resolve(config, " + ".join(file.name for file in files))
    except (OSError, UserError) as error:
        sys.exit(str(error))
    results = Path(config["pathvars"]["results"])
    console = Console(force_interactive=sys.stdout.isatty(), highlight=False)
    with contextlib.suppress(KeyboardInterrupt):
        progress.watch(lambda: progress.survey(resolved, results, time.time()), str(results), console)


if __name__ == "__main__":
    main(sys.argv[1:])
