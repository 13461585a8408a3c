# Look-ups of what trainings and evaluations ask of a cluster; no rules.
from irkd import demand

DEVICE = config["execution"]["device"]


def training_minutes(wildcards, attempt):
    """Time limit of a training; more at each attempt, which continues where the one before was stopped."""
    run = resolved(wildcards)
    teacher = STUDY.teacher_of(wildcards.protocol, wildcards.run, int(wildcards.seed))
    return attempt * demand.training_minutes(run, teacher and teacher.model, DEVICE)


def evaluation_minutes(wildcards, attempt):
    """Time limit of an evaluation; more at each attempt."""
    return attempt * demand.evaluation_minutes()


def memory_mb(wildcards, attempt):
    """Memory of a training or an evaluation; more at each attempt."""
    return attempt * demand.memory_mb(resolved(wildcards), DEVICE)
