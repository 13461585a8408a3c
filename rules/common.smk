# What all rules share: the study, and how rules name files and code; no rules.
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
from distillation.study.contents import filled
from distillation.study.selection import Selection


def load_study():
    """The resolved study; an error in the configuration stops Snakemake."""
    # Snakemake lists the overlays before config.yaml.
    files = [*workflow.configfiles[-1:], *workflow.configfiles[:-1]]
    source = " + ".join(map(os.path.relpath, files))
    ordered = protocols.in_order_of(yaml.safe_load((HOME / "config.yaml").read_text()), config)
    try:
        return study.resolve(ordered, source)
    except UserError as error:
        raise WorkflowError(str(error)) from None


STUDY = load_study()


def any_of(ids):
    """A wildcard constraint that matches exactly these ids; nothing if there are none."""
    return "|".join(sorted(ids)) or "(?!)"


wildcard_constraints:
    dataset=any_of(config["datasets"]),
    format=any_of(config["sources"]),
    protocol=any_of(config["protocols"]),
    run=any_of({**config["teachers"], **config["students"]}),
    seed=r"\d+",
    table=any_of(config["tables"]),
    figure=any_of(config["figures"]),


def script_digest(script, components=()):
    """Digest of the code of a script; as a parameter it replaces Snakemake's code trigger for reruns."""
    return code_digest.code_digest(HOME / "workflow_scripts" / script, components)


def prepared(dataset):
    """Arrays and manifest of a data set; the manifest triggers reruns, as it has the arrays' SHA-256."""
    folder = f"<results>/data/{dataset}"
    return {"arrays": ancient(f"{folder}/arrays.safetensors"), "manifest": f"{folder}/manifest.json"}


def from_workflow(path):
    """Path of a file that the configuration names relative to the workflow; empty if it names none."""
    return [os.path.relpath(HOME / path)] if path else []
