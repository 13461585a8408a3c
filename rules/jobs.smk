# Helper functions for the jobs that prepare data, train and evaluate: files, code, names, resources; no rules.
from distillation.data.dataset_settings import FORMATS, watched
from distillation.study import demand

DEVICE = config["execution"]["device"]


def format_of(wildcards):
    """The format of a data set."""
    return config["datasets"][wildcards.dataset]["format"]


def watched_sources(wildcards):
    """Local files without a known MD5: another content is another data set."""
    return watched(wildcards.format, config["sources"][wildcards.format])


def downloaded(wildcards):
    """The list of a data set's files; a new one does not count if every file has a known MD5."""
    name = format_of(wildcards)
    path = f"<downloads>/{name}/source.json"
    return ancient(path) if FORMATS[name].is_checked else path


def preparation_digest(wildcards):
    """Digest of the code that reads a data set."""
    component = code_digest.component("data.formats", format_of(wildcards))
    return script_digest("prepare_dataset.py", [component])


def training_digest(script):
    """Digest of the code of a training: the script and the components that its run names."""
    return lambda wildcards: script_digest(
        script, code_digest.components_of(resolved(wildcards), teacher_model(wildcards))
    )


def evaluation_digest(wildcards):
    """Digest of the code of an evaluation: the script and the networks of the run and its teacher."""
    teacher = STUDY.teacher_of(wildcards.protocol, wildcards.run, int(wildcards.seed))
    return script_digest("evaluate.py", code_digest.networks_of(resolved(wildcards), teacher))


def identity_of(wildcards):
    """Study, protocol, id and role of a run; not its label, whose change must not cause a training."""
    entry = STUDY.entries[wildcards.protocol, wildcards.run]
    return {
        "study": STUDY.name,
        "protocol": entry.protocol,
        "run": entry.run,
        "role": entry.role,
    }


def training_minutes(wildcards, attempt):
    """Time limit of a training in minutes; longer at each attempt, which resumes the previous one."""
    return attempt * demand.training_minutes(
        resolved(wildcards), teacher_model(wildcards), images_of(wildcards), DEVICE
    )


def evaluation_minutes(wildcards, attempt):
    """Time limit of an evaluation in minutes; longer at each attempt."""
    return attempt * demand.evaluation_minutes()


def memory_mb(wildcards, attempt):
    """Memory of a training or an evaluation in MB; more at each attempt."""
    return attempt * demand.memory_mb(resolved(wildcards), images_of(wildcards), DEVICE)


def training_priority(wildcards):
    """Priority of a training among the jobs that are ready."""
    role = STUDY.entries[wildcards.protocol, wildcards.run].role
    return demand.training_priority(resolved(wildcards), role, teacher_model(wildcards), images_of(wildcards))


def images_of(wildcards):
    """Number of training images of a run's data set."""
    return STUDY.entries[wildcards.protocol, wildcards.run].images


def teacher_model(wildcards):
    """The network of a run's teacher, or None."""
    teacher = STUDY.teacher_of(wildcards.protocol, wildcards.run, int(wildcards.seed))
    return teacher and teacher.model
