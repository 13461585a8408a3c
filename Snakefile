# Reproduces the IRKD study: teachers and students of Table 1, their evaluation, tables and figures.
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
include: "rules/data.smk"
include: "rules/training.smk"
include: "rules/evaluation.smk"
include: "rules/report.smk"
include: "rules/shown.smk"
include: "rules/tables.smk"
include: "rules/claims.smk"
include: "rules/curves.smk"
include: "rules/comparisons.smk"
include: "rules/figures.smk"
include: "rules/bridge.smk"
include: "rules/checks.smk"
include: "rules/provenance.smk"


# Rebuild tables and figures from the evidence in results/reference, without data or training.
module committed:
    snakefile:
        "rules/reference.smk"
    config:
        config | {"pathvars": {**config["pathvars"], "results": "results/rebuilt"}}


use rule * from committed exclude archive, compare as reference_*


use rule compare from committed as reference


rule all:
    default_target: True
    input:
        rules.teachers.input,
        rules.students.input,
        rules.evaluation.input,
        rules.tables.input,
        rules.figures.input,
        rules.claims.input,
        rules.provenance.input,
    localrule: True
