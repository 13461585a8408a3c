# Reproduces the IRKD study: teachers and students of Table 1, their evaluation, tables and figures.
#     snakemake --cores 8 all        everything (config.yaml)
#     snakemake -n all               the plan
#     snakemake --list-target-rules  the parts that can be asked for by name
from snakemake.utils import min_version

min_version("9.12")


configfile: "config.yaml"


# A GPU here is not a GPU of the cluster: the local limit must not hold back submitted jobs.
resource_scopes:
    gpu="local",


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/training.smk"
include: "rules/evaluation.smk"
include: "rules/presentation.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/comparisons.smk"


localrules:
    all,
    data,
    teachers,
    students,
    evaluation,
    tables,
    figures,


rule all:
    default_target: True
    input:
        rules.teachers.input,
        rules.students.input,
        rules.evaluation.input,
        rules.tables.input,
        rules.figures.input,
