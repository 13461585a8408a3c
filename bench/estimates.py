"""Estimated durations of trainings on a device, from measured durations of a few kinds of steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from distillation.networks.families.vit import Model
from distillation.study.costs import demand
from distillation.study.spec import Run
from distillation.study.study import Study

from bench import kinds
from bench.kinds import Key, Kind

# Bytes per parameter in the state of a training: weights, best weights and two moments, in float32.
STATE_BYTES = 16
# Steps to compare, record and time both ways at the beginning of a stage.
_STEPS_TO_PREPARE = 30


@dataclass(frozen=True)
class Measured:
    """Milliseconds of one kind of step by resolution; `replayed` is empty if steps cannot be replayed."""

    kind: Kind
    launched: Mapping[int, float]
    replayed: Mapping[int, float]

    def milliseconds(self, run: Run, teacher: Model | None, resolution: int) -> float:
        """Milliseconds of a step, replayed if possible; of another kind in proportion to its operations.

        Between two measured resolutions the time is linear in the operations. With one, it is proportional to
        them, but a launched step with fewer operations is not faster: it waits for Python.
        """
        times = self.replayed or self.launched
        flops = run.batch_size * demand.image_flops(run, teacher, resolution)
        known = {self.kind.flops(side): time for side, time in times.items()}
        if len(known) == 1:
            [(only, time)] = known.items()
            same = kinds.key_of(run, teacher) == self.kind.key
            return time * (flops / only if self.replayed or not same else max(1.0, flops / only))
        (low, first), (high, last) = sorted(known.items())
        if kinds.key_of(run, teacher) == self.kind.key:
            return first + (last - first) * (flops - low) / (high - low)
        return last * flops / high


def measured(rows: Mapping[str, Mapping], listed: Sequence[Kind], replays: bool = True) -> list[Measured]:
    """Measured times of each kind, without kinds that were not measured.

    Args:
        rows: from `kind_check.check`, by `name_of` kind and resolution.
        listed: all kinds.
        replays: whether steps are replayed if that changes no bit.
    """
    found = []
    for kind in listed:
        own = {side: rows.get(name_of(kind, side), {}) for side in kind.resolutions}
        launched = {side: row["launched_ms"] for side, row in own.items() if "launched_ms" in row}
        replayed = {side: row["replayed_ms"] for side, row in own.items() if replays and row.get("equal")}
        if launched:
            found.append(Measured(kind, launched, replayed if len(replayed) == len(launched) else {}))
    return found


def name_of(kind: Kind, resolution: int) -> str:
    """Name of a kind of step at a resolution in the results."""
    return f"{kind.name} at {resolution} px"


def of_runs(
    study: Study,
    found: Sequence[Measured],
    images: int,
    epoch_seconds: Mapping[bool, float],
    parameters: Mapping[Model, int],
) -> dict[str, dict]:
    """Estimate the durations of all runs of a study, chosen or not, for one seed, alone on the device.

    Args:
        study: the study.
        found: measured times of at least one kind.
        images: training images of an epoch.
        epoch_seconds: views and validation of an epoch, without (False) and with (True) AutoAugment.
        parameters: number of parameters of each network.

    Returns:
        By "protocol/run": seconds, launched_seconds (if all steps are launched), trainings (one per seed),
        state_mb (size of its state in 10^6 bytes) and measured_kind (name of the kind of step
        from which its time was estimated).
    """
    estimates = {}
    for entry, run, teacher in kinds.trainings(study, chosen=False):
        nearest = _nearest(found, run, teacher)
        only_launched = Measured(nearest.kind, nearest.launched, {})
        own = epoch_seconds[bool(run.augmentation.auto_augment)] * run.epochs
        batches = -(-images // run.batch_size)
        seconds = []
        for way in (nearest, only_launched):
            steps = (
                (stage.epochs * batches + _STEPS_TO_PREPARE)
                * way.milliseconds(run, teacher, stage.resolution)
                / 1000
                for stage in run.stages
            )
            seconds.append(own + sum(steps))
        estimates[f"{entry.protocol}/{entry.run}"] = {
            "seconds": seconds[0],
            "launched_seconds": seconds[1],
            "trainings": len(entry.seeds),
            "state_mb": parameters[run.model] * STATE_BYTES / 1e6,
            "measured_kind": nearest.kind.name,
        }
    return estimates


def _nearest(found: Sequence[Measured], run: Run, teacher: Model | None) -> Measured:
    """The kind itself or, if not measured, the most similar by loss, precision, network and operations."""
    key: Key = kinds.key_of(run, teacher)
    flops = run.batch_size * demand.image_flops(run, teacher, run.stages[-1].resolution)

    def unlike(candidate: Measured) -> tuple:
        other = candidate.kind
        ratio = flops / other.flops(other.resolutions[-1])
        return (
            other.key != key,
            bool(other.run.losses.saliency) != bool(run.losses.saliency),
            other.run.precision != run.precision,
            other.run.model != run.model,
            max(ratio, 1 / ratio),
        )

    return min(found, key=unlike)
