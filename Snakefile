# Reproduces studies of knowledge distillation: their trainings, evaluation, tables and figures.
#     snakemake --cores 8 all    everything (config.yaml); -n for the plan, --list-target-rules for parts
from snakemake.utils import min_version

min_version("9.12")


configfile: "config.yaml"


# Local GPUs are not those of the cluster: the local limit must not delay submitted jobs.
resource_scopes:
    gpu="local",


include: "rules/common.smk"
include: "rules/results.smk"
include: "rules/jobs.smk"
include: "rules/resources.smk"
include: "rules/published.smk"
include: "rules/given.smk"
include: "rules/shown.smk"
include: "rules/report.smk"
include: "rules/parts.smk"
include: "rules/data.smk"
include: "rules/weights.smk"
include: "rules/training.smk"
include: "rules/answers.smk"
include: "rules/evaluation.smk"
include: "rules/tables.smk"
include: "rules/claims.smk"
include: "rules/drawings.smk"
include: "rules/figures.smk"
include: "rules/checks.smk"
include: "rules/provenance.smk"
include: "rules/archive.smk"
include: "rules/targets.smk"
include: "rules/requested.smk"


# Rebuild tables and figures from the committed evidence, without data or training.
module committed:
    snakefile:
        "rules/reference.smk"
    config:
        config | {"pathvars": {**config["pathvars"], "results": PATHS.rebuilt}}


use rule * from committed exclude compared as reference_*


use rule compared from committed as reference


rule all:
    """Everything of every study in `studies`, but for bridge, check, controls and best."""
    default_target: True
    input:
        in_all(everything),
    localrule: True
