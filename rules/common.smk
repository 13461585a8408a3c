# Look-ups for the rules; no rules. What the configuration means is the library's business.
import os
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

# Of this workflow, wherever the Snakefile that imports it as a module lies.
HOME = Path(workflow.current_basedir).parent
sys.path.insert(0, str(HOME / "workflow_scripts"))

from distillation.core.errors import UserError
from distillation.study import code_digest, protocols, spec, study


def load_study():
    """The resolved study; every error of the configuration stops Snakemake at once."""
    schema, base = (HOME / name for name in ("rules/schemas/config.schema.yaml", "config.yaml"))
    # Snakemake lists the overlays, and what they name, before config.yaml.
    files = [*workflow.configfiles[-1:], *workflow.configfiles[:-1]]
    source = " + ".join(map(os.path.relpath, files))
    ordered = study.in_order_of(yaml.safe_load(base.read_text()), config)
    try:
        return study.resolve(ordered, yaml.safe_load(schema.read_text()), source)
    except UserError as error:
        raise WorkflowError(str(error)) from None


STUDY = load_study()
RUN = f"<results>/{STUDY.name}/runs/{{protocol}}/{{run}}/seed-{{seed}}"
EVALUATION = f"<results>/{STUDY.name}/evaluation/{{protocol}}/{{run}}/seed-{{seed}}.json"
PROTOCOLS = {protocol: config["protocols"][protocol]["label"] for protocol in config["reproduce"]}
GPUS = int(config["execution"]["device"] == "cuda")


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    protocol="|".join(config["protocols"]),
    run="|".join({**config["teachers"], **config["students"]}),
    seed=r"\d+",
    table="|".join(config["tables"]),
    figure="|".join(config["figures"]),


def resolved(wildcards):
    """The training that belongs to the wildcards."""
    return STUDY.entries[wildcards.protocol, wildcards.run].resolve(int(wildcards.seed))


def script_digest(script, components=()):
    """Digest of the code of a script, the reason to rerun it in place of Snakemake's code trigger."""
    return code_digest.code_digest(HOME / "workflow_scripts" / script, components)


def dataset_of(wildcards):
    """Arrays and manifest of a run's data; arrays are too large for a checksum, the manifest has it."""
    return prepared(resolved(wildcards).dataset)


def prepared(dataset):
    """Arrays and manifest of a data set."""
    folder = f"<results>/data/{dataset}"
    return {"arrays": ancient(f"{folder}/arrays.safetensors"), "manifest": f"{folder}/manifest.json"}


def teacher_of(wildcards):
    """Weights and record of the run that teaches a student, if one does."""
    teacher = resolved(wildcards).teacher
    if teacher is None:
        return {}
    protocol, run = STUDY.entries[wildcards.protocol, wildcards.run].teacher
    folder = RUN.format(protocol=protocol, run=run, seed=teacher.seed)
    return {
        "teacher_weights": ancient(f"{folder}/{teacher.weights}.safetensors"),
        "teacher_record": f"{folder}/run.json",
    }


def runs_without_teacher():
    """Ids of the runs that learn from labels alone."""
    return {entry.run for entry in STUDY.entries.values() if not entry.teacher}


def runs_with_teacher():
    """Ids of the runs that another run teaches."""
    return {entry.run for entry in STUDY.entries.values() if entry.teacher}


def any_of(ids):
    """A wildcard constraint that matches these ids, and nothing if there is none."""
    return "|".join(sorted(ids)) or "(?!)"


def training_digest(script):
    """Digest of the code of a training: the script's, and that of the parts its run names."""
    return lambda wildcards: script_digest(script, code_digest.components_of(resolved(wildcards)))


def evaluation_digest(wildcards):
    """Digest of the code of a test: the script's, and that of the networks of the run and its teacher."""
    own, teacher = resolved(wildcards), STUDY.teacher_of(
        wildcards.protocol, wildcards.run, int(wildcards.seed)
    )
    return script_digest("evaluate.py", code_digest.networks_of(own, teacher))


def identity_of(wildcards):
    """What a run is called; not its label, whose change is no reason to train."""
    entry = STUDY.entries[wildcards.protocol, wildcards.run]
    return {
        "study": STUDY.name,
        "protocol": entry.protocol,
        "run": entry.run,
        "role": entry.role,
    }


def chosen_runs(runs=None, role=None, protocols=None):
    """Protocol, run and seed of all chosen trainings, or of those runs among them."""
    return [
        {"protocol": entry.protocol, "run": entry.run, "seed": seed}
        for entry in STUDY.chosen(role, protocols)
        if runs is None or entry.run in runs
        for seed in STUDY.seeds_of(entry)
    ]


def for_runs(pattern, runs=None, role=None, protocols=None):
    """A pattern with the wildcards protocol, run and seed, filled in for chosen runs."""
    return [pattern.format(**wildcards) for wildcards in chosen_runs(runs, role, protocols)]
