# What all rules share: the studies, and how rules name files and code; no rules.
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Folder of this workflow, also if another Snakefile imports it as a module.
HOME = Path(workflow.current_basedir).parent
sys.path.insert(0, str(HOME / "workflow_scripts"))

from distillation.core import yaml_files
from distillation.core.errors import UserError
from distillation.networks import start_settings
from distillation.statistics import training_seeds
from distillation.study import code_digest, spec, studies
from distillation.study.configuration import WORKFLOW_FILE
from distillation.study.contents import filled
from distillation.study.forms import claim_settings
from distillation.study.selection import Selection

# Snakemake does not quote it for the shell.
if set(sys.executable) & set(" \t'\"\\$`&;|<>()*?[]{}!#"):
    raise WorkflowError(
        f"Snakemake cannot start Python from a path like {sys.executable}; use one without spaces, quotes and"
        " other characters that a shell does not take as text."
    )


def load_studies():
    """The resolved studies by id; an error in the configuration stops Snakemake."""
    own = os.path.abspath("config.yaml")
    missing = set(WORKFLOW_FILE.json_schema()["required"]) - config.keys()
    # Snakemake stops without this file, unless it is given overlays.
    if missing and not os.path.exists(own):
        raise WorkflowError(
            f"{own}: Snakemake looks for this file where it runs, but it does not exist; run Snakemake in"
            f" {HOME}, or with --directory {HOME}."
        )
    # Snakemake lists the overlays before config.yaml.
    files = sorted(workflow.configfiles, key=lambda path: os.path.abspath(path) != own)
    # What report.smk adds was not written by a user; it is there already if a module is given this config.
    written = {key: value for key, value in config.items() if key != "_reported"}
    try:
        # Snakemake's own reader lets pass what this one refuses.
        yaml_files.read_all(map(Path, files))
        return studies.resolve(written, HOME / "studies", " + ".join(map(os.path.relpath, files)))
    except UserError as error:
        raise WorkflowError(str(error)) from None


STUDIES = load_studies()
# The others are run only by their own targets.
LISTED = config["studies"]
PATHS = studies.paths(config)


def any_of(ids):
    """A wildcard constraint that matches exactly these ids; nothing if there are none."""
    return "|".join(sorted(ids)) or "(?!)"


def ids_in(*blocks):
    """The ids in some blocks of all studies."""
    return {name for study in STUDIES.values() for block in blocks for name in study.config[block]}


wildcard_constraints:
    study=any_of(STUDIES),
    dataset=any_of(ids_in("datasets")),
    format=any_of(config["sources"]),
    protocol=any_of(ids_in("protocols")),
    run=any_of(ids_in("teachers", "students")),
    seed=training_seeds.PATTERN,
    claims=any_of(claim_settings.BLOCKS),
    table=any_of(ids_in("tables")),
    figure=any_of(ids_in("figures")),


def script_digest(script, components=()):
    """Digest of the code of a script; as a parameter it replaces Snakemake's code trigger for reruns."""
    return code_digest.code_digest(HOME / "workflow_scripts" / script, components)


def prepared(dataset):
    """Arrays and manifest of a data set; the manifest triggers reruns, as it has the arrays' SHA-256."""
    folder = f"<results>/data/{dataset}"
    return {"arrays": ancient(f"{folder}/arrays.safetensors"), "manifest": f"{folder}/manifest.json"}


def folder_of(study):
    """The folder of a study, to which the files that it names are relative."""
    return Path(os.path.relpath(HOME / "studies" / study))
