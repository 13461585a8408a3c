# Helper functions: time, memory and priority of the jobs that train and evaluate; no rules.
from distillation.study.costs import demand


def answering_minutes(wildcards, attempt):
    """Time limit of a teacher's answers in minutes; longer at each attempt."""
    own = training(wildcards)
    return attempt * demand.answering_minutes(
        own.run.model, own.entry.images, int(wildcards.resolution), DEVICE
    )


def training_minutes(wildcards, attempt):
    """Time limit of a training in minutes; longer at each attempt, which resumes the previous one."""
    own = training(wildcards)
    return attempt * demand.training_minutes(own.run, own.teacher_model, own.entry.images, DEVICE)


def evaluation_minutes(wildcards, attempt):
    """Time limit of an evaluation in minutes; longer at each attempt."""
    return attempt * demand.EVALUATION_MINUTES


def memory_mb(wildcards, attempt):
    """Memory of a training or an evaluation in MB; more at each attempt."""
    own = training(wildcards)
    return attempt * demand.memory_mb(own.run, own.entry.images, DEVICE)


def training_priority(wildcards):
    """Priority of a training among the jobs that are ready."""
    own = training(wildcards)
    return demand.training_priority(own.run, own.entry.role, own.teacher_model, own.entry.images)
