# Helper functions for the rules; no rules. The library interprets the configuration.
import os
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

# Folder of this workflow, also if another Snakefile imports it as a module.
HOME = Path(workflow.current_basedir).parent
sys.path.insert(0, str(HOME / "workflow_scripts"))

from distillation.core.errors import UserError
from distillation.study import code_digest, protocols, spec, study


def load_study():
    """The resolved study; an error in the configuration stops Snakemake."""
    # Snakemake lists the overlays before config.yaml.
    files = [*workflow.configfiles[-1:], *workflow.configfiles[:-1]]
    source = " + ".join(map(os.path.relpath, files))
    ordered = study.in_order_of(yaml.safe_load((HOME / "config.yaml").read_text()), config)
    try:
        return study.resolve(ordered, source)
    except UserError as error:
        raise WorkflowError(str(error)) from None


STUDY = load_study()
RUN = f"<results>/{STUDY.name}/runs/{{protocol}}/{{run}}/seed-{{seed}}"
EVALUATION = f"<results>/{STUDY.name}/evaluation/{{protocol}}/{{run}}/seed-{{seed}}.json"
PROTOCOLS = {protocol: config["protocols"][protocol]["label"] for protocol in config["reproduce"]}
GPUS = int(config["execution"]["device"] == "cuda")


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    format="|".join(config["sources"]),
    protocol="|".join(config["protocols"]),
    run="|".join({**config["teachers"], **config["students"]}),
    seed=r"\d+",
    table="|".join(config["tables"]),
    figure="|".join(config["figures"]),


def resolved(wildcards):
    """The training that belongs to the wildcards."""
    return STUDY.entries[wildcards.protocol, wildcards.run].resolve(int(wildcards.seed))


def script_digest(script, components=()):
    """Digest of the code of a script; as a parameter it replaces Snakemake's code trigger for reruns."""
    return code_digest.code_digest(HOME / "workflow_scripts" / script, components)


def dataset_of(wildcards):
    """Arrays and manifest of a run's data set."""
    return prepared(resolved(wildcards).dataset)


def prepared(dataset):
    """Arrays and manifest of a data set; the manifest triggers reruns, as it has the arrays' SHA-256."""
    folder = f"<results>/data/{dataset}"
    return {"arrays": ancient(f"{folder}/arrays.safetensors"), "manifest": f"{folder}/manifest.json"}


def teacher_of(wildcards):
    """Weights and run.json of a student's teacher; empty without a teacher."""
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
    """Ids of the runs without a teacher."""
    return {entry.run for entry in STUDY.entries.values() if not entry.teacher}


def runs_with_teacher(maps):
    """Ids of the runs with a teacher that record saliency maps, or of those that do not."""
    return {entry.run for entry in STUDY.entries.values() if entry.teacher and entry.records_maps == maps}


def any_of(ids):
    """A wildcard constraint that matches exactly these ids; nothing if there are none."""
    return "|".join(sorted(ids)) or "(?!)"


def chosen_runs(runs=None, role=None, protocols=None):
    """Protocol, run and seed of all chosen trainings; with `runs`, of these runs only."""
    return [
        {"protocol": entry.protocol, "run": entry.run, "seed": seed}
        for entry in STUDY.chosen(role, protocols)
        if runs is None or entry.run in runs
        for seed in STUDY.seeds_of(entry)
    ]


def for_runs(pattern, runs=None, role=None, protocols=None):
    """A pattern with the wildcards protocol, run and seed, filled in for each chosen training."""
    return [pattern.format(**wildcards) for wildcards in chosen_runs(runs, role, protocols)]
