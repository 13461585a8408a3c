"""Which trainings can finish before a limit, and which to begin otherwise; pure functions of plain data."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from distillation.core.errors import InputError

# Saves take at most a twentieth of a training, and durations vary.
_MARGIN = 1.1
# A training needs at least this long to get past its start.
_SHORTEST_SECONDS = 30.0
_TRAININGS = ("train", "distill", "distill_without_maps")


@dataclass(frozen=True)
class Measured:
    """Duration in seconds of a whole training, alone on this machine, and size of its state in 10^6 bytes."""

    seconds: float
    state_mb: float


@dataclass(frozen=True)
class Times:
    """Times measured on a machine.

    Attributes:
        runs: whole trainings, by "protocol/run".
        start_seconds: to start a process with torch.
    """

    runs: Mapping[str, Measured]
    start_seconds: float


@dataclass(frozen=True)
class Begun:
    """A training with a state: remaining seconds, if known, and size of the state in bytes."""

    seconds_left: float | None
    state_bytes: int


@dataclass(frozen=True)
class Job:
    """A network to train and test, or to test alone.

    Attributes:
        target: the file to request from snakemake.
        seconds: remaining time of its training; 0 for a test alone.
        priority: of the ready jobs, the one with the highest priority starts first.
        needs: targets of the jobs that have to end before.
        growth: bytes that this training adds to the state.
    """

    target: str
    seconds: float
    priority: float
    needs: frozenset[str] = frozenset()
    growth: float = 0.0


@dataclass(frozen=True)
class Plan:
    """Targets of a round: those that can finish, otherwise those to begin; and the number of other jobs."""

    finishing: tuple[str, ...]
    begun: tuple[str, ...]
    left: int


def jobs_of(
    listed: Sequence[Mapping], times: Mapping[str, Measured], source: str, begun: Mapping[str, Begun]
) -> list[Job]:
    """The networks to train or test.

    Args:
        listed: all jobs of snakemake's plan, as listed by snakemake_logger_plugin_jobs.
        times: of whole trainings, by protocol/run.
        source: the file of the times, for error messages.
        begun: by the path of the run.json that a training will write.

    Raises:
        InputError: a training has no time.
    """
    trainings = {_network(job): job for job in listed if job["rule"] in _TRAININGS}
    tests = {_network(job): job for job in listed if job["rule"] == "evaluate"}
    absent = sorted({name for protocol, run, _ in trainings if (name := f"{protocol}/{run}") not in times})
    if absent:
        raise InputError(
            f"--times: {source} lacks {', '.join(absent)}: run `make gpu-check` again with the same overlays."
        )
    targets = {key: tests[key]["output"][0] if key in tests else _record(trainings[key]) for key in trainings}
    writers = {_record(job): targets[key] for key, job in trainings.items()}
    found = []
    for key in dict.fromkeys([*trainings, *tests]):
        job = trainings.get(key) or tests[key]
        target = targets.get(key) or job["output"][0]
        needs = frozenset(writers[path] for path in job["input"] if path in writers)
        seconds = growth = 0.0
        if key in trainings:
            whole, state = times[f"{key[0]}/{key[1]}"], begun.get(_record(job), Begun(None, 0))
            seconds = whole.seconds if state.seconds_left is None else min(whole.seconds, state.seconds_left)
            growth = max(0.0, whole.state_mb * 1e6 - state.state_bytes)
        found.append(Job(target, seconds, job["priority"], needs, growth))
    return found


def plan(jobs: Iterable[Job], seconds: float, slots: int, room: float, start_seconds: float) -> Plan:
    """Choose what to run in the remaining time.

    Jobs are started as snakemake does: the first ready job on the first free slot. Jobs that cannot end in
    time are omitted. If none can, trainings begin whose states together fit into `room`.

    Args:
        jobs: all remaining jobs.
        seconds: remaining time.
        slots: how many jobs run side by side, each as fast as alone.
        room: bytes by which the state may grow.
        start_seconds: to start a process; each network needs two, to train and to test it.
    """
    waiting = sorted(jobs, key=lambda job: -job.priority)
    ends = _ends(waiting, seconds, slots, start_seconds)
    begun: list[str] = []
    for job in waiting if not ends and seconds >= _SHORTEST_SECONDS else ():
        if job.seconds and not job.needs and job.growth <= room and len(begun) < slots:
            begun.append(job.target)
            room -= job.growth
    return Plan(tuple(ends), tuple(begun), len(waiting) - len(ends) - len(begun))


def _ends(waiting: Sequence[Job], seconds: float, slots: int, start: float) -> dict[str, float]:
    """End time of each job that can end in time, by target, in the order of their starts."""
    ends: dict[str, float] = {}
    free = [0.0] * slots
    while free:
        now = heapq.heappop(free)
        fitting = [job for job in waiting if job.target not in ends and now + _length(job, start) <= seconds]
        ready = [job for job in fitting if all(ends.get(need, now + 1) <= now for need in job.needs)]
        if ready:
            ends[ready[0].target] = now + _length(ready[0], start)
            heapq.heappush(free, ends[ready[0].target])
        elif fitting and any(end > now for end in ends.values()):
            heapq.heappush(free, min(end for end in ends.values() if end > now))
    return ends


def _length(job: Job, start: float) -> float:
    return job.seconds * _MARGIN + 2 * start


def _network(job: Mapping) -> tuple[str, str, str]:
    return tuple(job["wildcards"][name] for name in ("protocol", "run", "seed"))


def _record(job: Mapping) -> str:
    (path,) = (path for path in job["output"] if path.endswith("/run.json"))
    return path
