# Helper functions for the jobs that prepare data, train and evaluate: files and code; no rules.
from distillation.statistics.training_seeds import TrainingSeed
from distillation.data.dataset_settings import FORMATS, watched


include: "writable.smk"


DEVICE = config["execution"]["device"]
GPUS = int(DEVICE == "cuda")

# Answers of a teacher to the images of a data set at a resolution: as they are, or mirrored too.
ANSWERS = "<results>/{study}/answers/{protocol}/{run}/seed-{seed}/{dataset}-{resolution}px{mirrored}"


def dataset_settings(wildcards):
    """The settings of a data set, in the first study that has it: they agree on what decides its files."""
    datasets = (study.config["datasets"] for study in STUDIES.values())
    return next(each[wildcards.dataset] for each in datasets if wildcards.dataset in each)


def format_of(wildcards):
    """The format of a data set."""
    return dataset_settings(wildcards)["format"]


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
    return script_digest("prepare_dataset.py", [f"data.formats.{format_of(wildcards)}"])


def training(wildcards):
    """The training that belongs to the wildcards."""
    known = [f"{protocol}/{run}" for protocol, run in STUDIES[wildcards.study].entries]
    of_this_study(wildcards, "run", f"{wildcards.protocol}/{wildcards.run}", known)
    seed = TrainingSeed.parse(wildcards.seed)
    try:
        return STUDIES[wildcards.study].training(wildcards.protocol, wildcards.run, seed)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def dataset_of(wildcards):
    """Arrays and manifest of a run's data set."""
    return prepared(training(wildcards).run.dataset)


def teacher_of(wildcards):
    """Weights and run.json of a student's teacher; empty without a teacher."""
    own = training(wildcards)
    if own.teacher is None:
        return {}
    [folder] = filled(RUN, own.study, [(*own.entry.teacher, TrainingSeed(own.teacher.seed))])
    weights = ancient(f"{folder}/{own.run.teacher.weights}.safetensors")
    return {"teacher_weights": weights, "teacher_record": f"{folder}/run.json"}


def answers_of(wildcards):
    """The stored answers of a student's teacher and their record; empty if it asks the teacher itself."""
    own = training(wildcards)
    if not own.entry.stores_answers:
        return {}
    mirrored = "-mirrored" if own.run.augmentation.flip else ""
    shown = {"dataset": own.run.dataset, "resolution": own.run.stages[0].resolution, "mirrored": mirrored}
    protocol, run = own.entry.teacher
    path = ANSWERS.format(study=own.study, protocol=protocol, run=run, seed=own.teacher.seed, **shown)
    return {"answers": ancient(f"{path}.safetensors"), "answers_record": f"{path}.json"}


def images_of(wildcards):
    """Arrays and manifest of the data set that a path names."""
    return prepared(wildcards.dataset)


def answering_weights(wildcards):
    """The weights that a teacher's protocol tests, which teach."""
    own = training(wildcards)
    [folder] = filled(RUN, own.study, [(own.entry.protocol, own.entry.run, TrainingSeed(own.run.seed))])
    return ancient(f"{folder}/{own.entry.selection}.safetensors")


def training_digest(wildcards):
    """Digest of the code of a training: the script and the components that its run names."""
    own = training(wildcards)
    return script_digest("train.py", code_digest.components_of(own.run, own.teacher_model))


def evaluation_digest(wildcards):
    """Digest of the code of an evaluation: the script and the networks of the run and its teacher."""
    own = training(wildcards)
    return script_digest("evaluate.py", code_digest.networks_of(own.run, own.teacher))


def shown_normalization(wildcards):
    """The normalization of the images that a teacher is asked about."""
    return STUDIES[wildcards.study].config["datasets"][wildcards.dataset]["normalization"]


def shown_size(wildcards):
    """The side to which these images are scaled first; None for their own."""
    return STUDIES[wildcards.study].config["datasets"][wildcards.dataset].get("image_size")


def answer_digest(wildcards):
    """Digest of the code of a teacher's answers: the script and its network."""
    return script_digest("answer.py", code_digest.networks_of(training(wildcards).run))
