"""Which trainings can finish before a limit, and which are worth beginning: plain data in, plain data out."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from distillation.core.errors import InputError

# Saves take a twentieth of a training at the most, and lengths differ from one time to the next.
_MARGIN = 1.1
# In less than that a training does not get beyond its start.
_SHORTEST_SECONDS = 30.0
_TRAININGS = ("train", "distill")


@dataclass(frozen=True)
class Measured:
    """A whole training on this machine alone, in seconds, and its state in 10^6 bytes."""

    seconds: float
    state_mb: float


@dataclass(frozen=True)
class Times:
    """What was measured of a machine.

    Attributes:
        runs: whole trainings by "protocol/run".
        start_seconds: of a process with torch.
    """

    runs: Mapping[str, Measured]
    start_seconds: float


@dataclass(frozen=True)
class Begun:
    """A training that has a state: seconds that it lacks, if it said so, and bytes that the state has."""

    seconds_left: float | None
    state_bytes: int


@dataclass(frozen=True)
class Job:
    """A network to train and test, or to test alone.

    Attributes:
        target: the file that snakemake is asked for.
        seconds: that its training lacks; 0 for a test alone.
        priority: of those that are ready the largest is started first.
        needs: targets of the jobs that have to end before.
        growth: bytes that the state of this training adds to what is there.
    """

    target: str
    seconds: float
    priority: float
    needs: frozenset[str] = frozenset()
    growth: float = 0.0


@dataclass(frozen=True)
class Plan:
    """Targets of a round: those that can finish, else those to begin; and how many jobs are neither."""

    finishing: tuple[str, ...]
    begun: tuple[str, ...]
    left: int


def jobs_of(
    listed: Sequence[Mapping], times: Mapping[str, Measured], source: str, begun: Mapping[str, Begun]
) -> list[Job]:
    """The networks that are to be trained or tested.

    Args:
        listed: all jobs of snakemake's plan, as snakemake_logger_plugin_jobs has them.
        times: by protocol/run.
        source: the file of the times, for error messages.
        begun: by the file run.json that a training will write.

    Raises:
        InputError: trainings without a time.
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
    """What to run in the time that is left.

    Jobs are started as snakemake does, the first that is ready on the first slot that is free. What cannot
    end in time then takes no part. Where nothing can, trainings begin whose states can be carried together.

    Args:
        jobs: all that is to be done.
        seconds: that are left.
        slots: how many jobs run side by side, each as fast as alone.
        room: bytes by which the state may grow.
        start_seconds: of a process, of which a network needs two, to train and to test it.
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
    """When each job that can end in time does, by target, in the order of their starts."""
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
