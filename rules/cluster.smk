# Helper functions for resources and priorities of trainings and evaluations; no rules.
from distillation.study import demand

DEVICE = config["execution"]["device"]


def training_minutes(wildcards, attempt):
    """Time limit of a training in minutes; longer at each attempt, which resumes the previous one."""
    return attempt * demand.training_minutes(resolved(wildcards), teacher_model(wildcards), DEVICE)


def evaluation_minutes(wildcards, attempt):
    """Time limit of an evaluation in minutes; longer at each attempt."""
    return attempt * demand.evaluation_minutes()


def memory_mb(wildcards, attempt):
    """Memory of a training or an evaluation in MB; more at each attempt."""
    return attempt * demand.memory_mb(resolved(wildcards), DEVICE)


def training_priority(wildcards):
    """Priority of a training among the jobs that are ready."""
    role = STUDY.entries[wildcards.protocol, wildcards.run].role
    return demand.training_priority(resolved(wildcards), role, teacher_model(wildcards))


def teacher_model(wildcards):
    """The network of a run's teacher, or None."""
    teacher = STUDY.teacher_of(wildcards.protocol, wildcards.run, int(wildcards.seed))
    return teacher and teacher.model
