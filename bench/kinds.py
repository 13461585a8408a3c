"""The kinds of training step in a study: combinations of networks, loss and precision over all runs."""

from collections.abc import Iterator
from dataclasses import dataclass

from distillation.networks.families import Network
from distillation.networks.terms import Losses
from distillation.study.costs import demand
from distillation.study.spec import Run
from distillation.study.study import Entry, Study

Key = tuple[Network, Network | None, Losses, str, bool, int, bool]


@dataclass(frozen=True)
class Kind:
    """One kind of training step.

    Attributes:
        name: protocol and id of the first run that has it.
        run: that run.
        teacher: network of its teacher, if it has one.
        resolutions: the lowest and the highest resolution of such runs in pixels, or the only one.
    """

    name: str
    run: Run
    teacher: Network | None
    resolutions: tuple[int, ...]

    @property
    def key(self) -> Key:
        """The settings that define this kind."""
        return key_of(self.run, self.teacher)

    def flops(self, resolution: int) -> float:
        """Approximate FLOPs of a step at a resolution in pixels; see `demand.image_flops`."""
        return self.run.batch_size * demand.image_flops(self.run, self.teacher, resolution)


def key_of(run: Run, teacher: Network | None) -> Key:
    """The settings of a run that define the kind of its steps."""
    return run.model, teacher, run.losses, run.precision, run.mixing is not None, run.batch_size, run.fused


def trainings(study: Study, chosen: bool = True) -> Iterator[tuple[Entry, Run, Network | None]]:
    """Each run of a study, by default only chosen ones, with its first seed, and its teacher's network."""
    for entry in study.chosen() if chosen else study.entries.values():
        teacher = study.teacher_of(entry.protocol, entry.run, entry.seeds[0])
        yield entry, entry.resolve(entry.seeds[0]), teacher.model if teacher else None


def of(study: Study) -> list[Kind]:
    """All kinds of step of the chosen runs, by protocol and then by increasing number of operations."""
    found: dict[Key, Kind] = {}
    for entry, run, teacher in trainings(study):
        key = key_of(run, teacher)
        sides = {stage.resolution for stage in run.stages}
        if key in found:
            sides |= set(found[key].resolutions)
        first = found.get(key) or Kind(f"{entry.protocol}/{entry.run}", run, teacher, ())
        found[key] = Kind(first.name, first.run, teacher, tuple(sorted({min(sides), max(sides)})))
    order = {protocol: place for place, protocol in enumerate(study.reproduced)}

    def place(kind: Kind) -> tuple[int, float]:
        # Teachers can belong to a protocol that is not reproduced itself.
        protocol = kind.name.split("/")[0]
        return order.get(protocol, len(order)), kind.flops(kind.resolutions[-1])

    return sorted(found.values(), key=place)
