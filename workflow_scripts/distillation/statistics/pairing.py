"""Which trainings of several runs belong together."""

from collections.abc import Collection, Mapping

from distillation.statistics.training_seeds import TrainingSeed


def shared(
    seeds: Mapping[str, Collection[TrainingSeed]], taught: Collection[str]
) -> dict[TrainingSeed, dict[str, TrainingSeed]]:
    """The seeds that all runs have, in order, each with the seed of every run's training.

    Trainings are paired by seed and, between runs with a teacher, by teacher. A run without a teacher is
    paired with the trainings of its seed under every teacher.

    Args:
        seeds: of the trainings of each run, by a name for the run.
        taught: names of the runs that have a teacher.
    """
    found = {}
    for seed in sorted(set().union(*seeds.values())):
        own = {name: seed if name in taught else TrainingSeed(seed.number) for name in seeds}
        if all(own[name] in seeds[name] for name in seeds):
            found[seed] = own
    return found
