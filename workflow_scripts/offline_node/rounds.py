"""Rounds of work on a machine for a limited time: in each, what can finish before the limit."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from distillation.core.errors import InputError

from offline_node import bundle
from offline_node.limit import Limit
from offline_node.schedule import Begun, Measured, Plan, Times

# Time until snakemake has planned and starts the first job.
_START_SECONDS = 5.0
# Time to split CIFAR-10 into arrays, for which every job waits.
_DATA_SECONDS = 20.0


def read_times(path: Path) -> Times:
    """Read the measured durations of trainings.

    Args:
        path: written by `make gpu-check`.

    Raises:
        InputError: it does not exist, or `make gpu-check` did not write it.
    """
    again = "run `make gpu-check` on such a machine to write it."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        runs = {
            name: Measured(float(run["seconds"]), float(run["state_mb"]))
            for name, run in content["runs"].items()
        }
        return Times(runs, float(content["job_start_seconds"]))
    except OSError as error:
        raise InputError(f"--times: {path} cannot be read ({error.strerror}): {again}") from None
    except KeyError as error:
        raise InputError(f"--times: {path} lacks the key {error}: {again}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"--times: {path} has invalid content ({error}): {again}") from None


def slots(asked: Sequence[str]) -> int:
    """Number of trainings side by side: K of `--resources gpu=K` among snakemake's arguments, otherwise 1."""
    matches = [re.fullmatch(r"(?:--res(?:ources)?=)?gpu=(\d+)", word) for word in asked]
    counts = [int(match[1]) for match in matches if match]
    return counts[-1] if counts else 1


def listed_jobs(python: Path, asked: Sequence[str], home: Path) -> list[dict]:
    """All jobs that snakemake would run, as listed by snakemake_logger_plugin_jobs.

    Args:
        python: of the environment.
        asked: arguments of snakemake.
        home: the repository.

    Raises:
        subprocess.CalledProcessError: snakemake failed; contains its output.
    """
    command = [str(python), "-m", "snakemake", *asked, "--nolock", "--dry-run", "--logger", "jobs"]
    # Snakemake looks for plugins there.
    places = [str(home / "workflow_scripts"), os.environ.get("PYTHONPATH")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}
    done = subprocess.run(
        command, cwd=home, env=environment, check=True, capture_output=True, encoding="utf-8"
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def run(
    ask: Callable[[], list[dict]],
    execute: Callable[[list[str]], int],
    limit: Limit,
    planned: Callable[[list[dict], float], Plan],
    say: Callable[[str], None],
) -> tuple[int, bool]:
    """Run rounds until nothing more fits or one fails; the status, and whether the last round ran everything.

    Args:
        ask: see `listed_jobs`.
        execute: runs snakemake with further arguments and returns its exit status.
        limit: when it is stopped.
        planned: plans these jobs for a number of seconds.
        say: prints the plan of each round.
    """
    while True:
        listed = ask()
        seconds = limit.seconds_left() - _START_SECONDS
        if any(job["rule"] == "prepare_dataset" for job in listed):
            seconds -= _DATA_SECONDS
        plan = planned(listed, seconds)
        if not plan.left and not plan.begun:
            return execute([]), True
        targets = plan.finishing or plan.begun
        if not targets:
            return 0, False
        how = "to finish" if plan.finishing else "to begin, as nothing can finish,"
        say(f"{seconds:.0f} s left: {how} {', '.join(map(_name, targets))}; {plan.left} more have to wait")
        status = execute(["--until", *targets])
        if status or limit.reached():
            return status, False


def begun(home: Path, results: Path) -> dict[str, Begun]:
    """Trainings in a folder of results that have a state, by the path of their run.json in snakemake."""
    found = {}
    for state in bundle.found(results, "resume/*/state.pt"):
        folder = state.parents[1]
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        name = folder.with_name("run.json").relative_to(home).as_posix()
        found[name] = Begun(_seconds_left(state.with_name("progress.json")), size)
    return found


def _seconds_left(path: Path) -> float | None:
    """Seconds left of a training after its saved state, from its progress file; None if unknown."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if "seconds_left" not in report:
        return None
    unsaved = report["done"] - report.get("saved", 0)
    return report["seconds_left"] + unsaved * report["seconds_an_epoch"]


def overlays(asked: Sequence[str]) -> list[str]:
    """The files that follow --configfile among snakemake's arguments."""
    found: list[str] = []
    listing = False
    for word in asked:
        option, _, value = word.partition("=")
        if option in ("--configfile", "--configfiles"):
            found, listing = [value] if value else [], True
        elif word.startswith("-"):
            listing = False
        elif listing:
            found.append(word)
    return found


def _name(target: str) -> str:
    return "/".join(Path(target.removesuffix("/run.json")).with_suffix("").parts[-3:])
