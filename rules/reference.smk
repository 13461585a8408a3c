# A module that rebuilds tables and figures from the committed evidence. It has no rules that train or
# evaluate, so runs without evidence are shown as not run.


include: "common.smk"
include: "evidence.smk"
include: "report.smk"
include: "shown.smk"
include: "tables.smk"
include: "claims.smk"
include: "curves.smk"
include: "comparisons.smk"
include: "figures.smk"
include: "checks.smk"
include: "provenance.smk"


REBUILT = [
    rules.tables.input,
    rules.figures.input,
    rules.claims.input,
    rules.provenance.input,
    CHECKED,
]


rule rebuild:
    input:
        evidence_of_this_study,
        REBUILT,
    localrule: True


rule compare:
    input:
        evidence_of_this_study,
        rebuilt=REBUILT,
        sums=f"{COMMITTED}/SHA256SUMS",
    output:
        f"<results>/{STUDY.name}/compared.txt",
    log:
        "<results>/logs/compare.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        code=script_digest("compare_reference.py"),
    message:
        "Comparing with the committed files"
    script:
        "../workflow_scripts/compare_reference.py"
