"""The command node.py: install packages, link data, unpack the state, run snakemake, pack the results."""

import argparse
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from distillation.core import commit
from distillation.core.errors import UserError

from offline_node import bundle, limit, packages, parts, rounds, schedule
from offline_node.evidence import Evidence

# From `sysexits.h`: a temporary failure, try again.
UNFINISHED = os.EX_TEMPFAIL
DATA = "data/cifar10"
_MIB = 2**20


def main(arguments: list[str], home: Path) -> int:
    """Run part of the study and return the exit status.

    It is 0 if all requested results exist, `UNFINISHED` if the limit was reached or no remaining job can
    finish before it, and otherwise snakemake's, or 1 with an error message.

    Args:
        arguments: of the command; those for snakemake follow "--".
        home: the repository.
    """
    options, asked = _parsed(arguments)
    until = limit.Limit(options.minutes)
    results = home / options.results
    try:
        commit.bring(options.wheels, home)
        times = rounds.read_times(options.times) if options.times else None
        packages.check()
        if options.data:
            link_data(options.data.expanduser().absolute(), home / DATA)
        if options.state:
            _unpack(options.state, home)
        python = packages.environment(options.wheels.absolute(), home / ".node")
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    driver = [str(python), str(home / "workflow_scripts/drive.py"), *asked]
    evidence = Evidence(results, options.pack, _say)
    if options.gpu_check:
        status = _check_gpu(python, rounds.overlays(asked), home, results, until)
        if status or not asked:
            return status if _packed(options, home, results, evidence) else 1
        options.times = _newest(results / "bench")
        times = rounds.read_times(options.times)

    def execute(more: list[str]) -> int:
        return limit.run([*driver, *more], home, until, evidence.refresh)

    # A state has no data. Made together with other jobs, they would count as new, and their users as old.
    status, whole = execute(["--until", "prepare_dataset"]) if _lacks_data(results) else 0, False
    if status == 0 and times is None:
        status, whole = execute([]), True
    elif status == 0:
        status, whole = _rounds(options, times, python, asked, home, until, execute)
    stopped = until.reached()
    if not _packed(options, home, results, evidence):
        return 1
    if status == 0 and whole:
        _say("finished: all requested results exist.")
        return 0
    _print_progress([str(python), "-m", "snakemake", *asked], home, results)
    if status and not stopped:
        _say("failed, see above; fix the error, then run the same command again to continue.")
        return status
    place = "from here, or elsewhere from the state" if options.state else "from here, on this machine only"
    why = "stopped at the limit" if stopped else "stopped: no remaining job can finish before the limit"
    _say(f"{why}; the same command continues {place}.")
    return UNFINISHED


def _check_gpu(python: Path, overlays: Sequence[str], home: Path, results: Path, until: limit.Limit) -> int:
    """Measure the durations of trainings with these overlays on this GPU; return the exit status."""
    command = [str(python), "-m", "bench.gpu_check", "--out", str(results / "bench")]
    command += ["--config", *overlays] if overlays else []
    places = [str(home / "workflow_scripts"), os.environ.get("PYTHONPATH")]
    path = os.pathsep.join(filter(None, places))
    status = limit.run(command, home, until, environment={"PYTHONPATH": path})
    if until.reached():
        _say("stopped at the limit before the GPU check ended.")
        return UNFINISHED
    return status


def _packed(options: argparse.Namespace, home: Path, results: Path, evidence: Evidence) -> bool:
    """Pack state and evidence; return whether that succeeded."""
    try:
        # The state first: unlike the evidence, it cannot be rebuilt.
        if options.state:
            _pack_state(options, home, results)
        evidence.pack()
    except OSError as error:
        print(f"packing failed: {error}: fix this, and run the same command again here.", file=sys.stderr)
        return False
    return True


def _newest(folder: Path) -> Path:
    """The newest GPU check, which is this machine's; a state may contain those of other machines."""
    return max(folder.glob("*/gpu-check.json"), key=lambda path: path.stat().st_mtime)


def link_data(source: Path, place: Path) -> None:
    """Link a copy of the data to the place of the first source in the configuration.

    Raises:
        UserError: the copy does not exist, or the place is taken.
    """
    if not source.exists():
        raise UserError(f"--data: {source} does not exist: name the folder or archive with CIFAR-10.")
    if place.is_symlink():
        place.unlink()
    if place.exists():
        raise UserError(f"--data: {place} exists already: omit --data, or remove that folder.")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(source)


def _parsed(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="node.py",
        description="Run part of the study on a machine with torch, torchvision and timm, but no network.",
        epilog="docs/offline-node.md: how to prepare such a machine, and how to use the results.",
        usage="%(prog)s [options] --pack OUT.tar.gz -- ARGUMENTS OF SNAKEMAKE",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--wheels",
        type=Path,
        default=Path("wheels"),
        metavar="FOLDER",
        help="made by `make wheels` (default: wheels)",
    )
    add("--data", type=Path, metavar="PATH", help=f"a copy of CIFAR-10; default: the content of {DATA}")
    add("--minutes", type=_positive, default=math.inf, help="time limit, counted from the start")
    add("--pack", type=Path, required=True, metavar="OUT.tar.gz", help="evidence: all results except weights")
    add("--times", type=Path, metavar="FILE", help="from `make gpu-check`: start only what finishes in time")
    add("--gpu-check", action="store_true", help="measure times first; without arguments after --, only that")
    add(
        "--state",
        type=Path,
        metavar="STATE.tar",
        help="state to continue from: read if it exists, then written",
    )
    add("--part-size", type=int, metavar="MIB", help="write the state in parts: STATE.tar.001, .002, ...")
    add("--carry", type=_positive, metavar="MIB", help="write no larger state")
    add("--light", action="store_true", help="omit weights that no table or training needs from the state")
    add("--results", type=Path, default=Path("results"), help="as in `pathvars` (default: results)")
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options, asked = parser.parse_args(arguments[:end]), arguments[end + 1 :]
    if not asked and not options.gpu_check:
        parser.error('after "--", the arguments of snakemake are missing, such as: -- archive --cores 8')
    if options.part_size is not None and options.part_size < 1:
        parser.error(f"--part-size: {options.part_size} MiB, expected 1 or more")
    if not options.state and (options.part_size or options.light or options.carry):
        parser.error("--part-size, --carry and --light apply to the state: add --state STATE.tar")
    if options.times and options.gpu_check:
        parser.error("--gpu-check measures what --times reads: omit one of them")
    if (options.times or (options.gpu_check and asked)) and options.minutes == math.inf:
        parser.error("--times and --gpu-check need a time limit: add --minutes M")
    return options, asked


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected a number") from None
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text}: expected more than 0")
    return value


def _unpack(state: Path, home: Path) -> None:
    if parts.present(state):
        _say(f"{state}: {bundle.unpack_state(home, state)} files of the state unpacked")
    else:
        _say(f"{state}: no state yet")


def _lacks_data(results: Path) -> bool:
    manifests = bundle.found(results, "data/*/manifest.json")
    return any(not path.with_name("arrays.safetensors").exists() for path in manifests)


def _rounds(
    options: argparse.Namespace,
    times: schedule.Times,
    python: Path,
    asked: list[str],
    home: Path,
    until: limit.Limit,
    execute: Callable[[list[str]], int],
) -> tuple[int, bool]:
    """Run what can finish in time; return the exit status, and whether the last round ran everything."""
    results = home / options.results

    def planned(listed: list[dict], seconds: float) -> schedule.Plan:
        jobs = schedule.jobs_of(listed, times.runs, str(options.times), rounds.begun(home, results))
        carried = bundle.state_bytes(home, results, options.light) if options.carry else math.inf
        room = (options.carry or 0) * _MIB - carried
        return schedule.plan(jobs, seconds, rounds.slots(asked), room, times.start_seconds)

    try:
        return rounds.run(lambda: rounds.listed_jobs(python, asked, home), execute, until, planned, _say)
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 1, False
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        return error.returncode, False


def _pack_state(options: argparse.Namespace, home: Path, results: Path) -> None:
    """Write the state unless it exceeds --carry; then an earlier state, if any, stays."""
    size = bundle.state_bytes(home, results, options.light)
    if options.carry and size > options.carry * _MIB:
        _say(
            f"{options.state}: not written: the state has {_mebibytes(size)}, and --carry allows"
            f" {options.carry:g} MiB" + ("; an earlier one stays" if parts.present(options.state) else "")
        )
        return
    bundle.pack_state(home, results, options.state, options.part_size, options.light)
    _say(f"{options.state}: the state, {len(parts.of(options.state))} files, {_mebibytes(size)}")


def _print_progress(snakemake: list[str], home: Path, results: Path) -> None:
    """Print the numbers of finished trainings and tests, the remaining jobs and the unfinished trainings."""
    dry = [*snakemake, "--nolock", "--dry-run", "--quiet", "reason"]
    planned = subprocess.run(dry, cwd=home, capture_output=True, encoding="utf-8")
    table = (planned.stdout + planned.stderr).partition("Job stats:\n")[2].partition("\n\n")[0]
    left = re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)
    trained, tested = (len(bundle.found(results, kind)) for kind in (bundle.RUNS, bundle.EVALUATIONS))
    _say(f"done: {trained} trainings, {tested} of them tested")
    _say("left: " + (", ".join(f"{rule} {count}" for rule, count in left) or "see snakemake --dry-run"))
    for path in bundle.found(results, "resume/*/progress.json"):
        name = path.parents[2].relative_to(results)
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            _say(f"under way: {name}, its progress is damaged")
            continue
        _say(f"under way: {name}, {report.get('saved', 0)} of {report['total']} epochs saved")


def _mebibytes(size: int) -> str:
    return f"{size / _MIB:.1f} MiB"


def _say(text: str) -> None:
    print(f"node: {text}", flush=True)
