"""Show the progress of the studies' trainings, on this machine or on the cluster that writes their files.

    python workflow_scripts/watch.py [OVERLAY.yaml ...]

The overlays are those given to snakemake by --configfile; without any, the studies are those of config.yaml.
"""

import contextlib
import sys
import time
from pathlib import Path

from distillation.core.errors import UserError
from distillation.study import studies
from distillation.training import progress
from rich.console import Console

HOME = Path(__file__).resolve().parents[1]


def main(overlays: list[str]) -> None:
    """Show the trainings until all are done or, without a terminal, print their state once."""
    files = [HOME / "config.yaml", *map(Path, overlays)]
    try:
        config = studies.configuration(files)
        found = studies.resolve(config, HOME / "studies", " + ".join(file.name for file in files))
    except UserError as error:
        sys.exit(str(error))
    results = Path(studies.paths(config).results)
    # A study on request is watched once it has begun.
    watched = [own for name, own in found.items() if name in config["studies"] or (results / name).is_dir()]
    console = Console(force_interactive=sys.stdout.isatty(), highlight=False)
    with contextlib.suppress(KeyboardInterrupt):
        progress.watch(lambda: progress.survey(watched, results, time.time()), str(results), console)


if __name__ == "__main__":
    main(sys.argv[1:])
