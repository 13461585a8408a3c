# A module that rebuilds tables and figures from the committed evidence. It has no rules that train or
# evaluate, so runs without evidence are shown as not run.


include: "common.smk"
include: "evidence.smk"
include: "shown.smk"
include: "report.smk"
include: "parts.smk"
include: "tables.smk"
include: "claims.smk"
include: "curves.smk"
include: "comparisons.smk"
include: "figures.smk"
include: "checks.smk"
include: "provenance.smk"


rule rebuild:
    """Tables and figures, made anew from the committed evidence."""
    input:
        checked_evidence(*STUDIES),
        in_all(pages),
        in_all(checks),
    localrule: True


rule compare:
    input:
        checked_evidence(),
        rebuilt=lambda wildcards: [
            *pages(SELECTIONS[wildcards.study]),
            *checks(SELECTIONS[wildcards.study]),
        ],
        sums=f"{COMMITTED}/{{study}}/SHA256SUMS",
    output:
        "<results>/{study}/compared.txt",
    log:
        "<results>/{study}/logs/compare.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        code=script_digest("compare_reference.py"),
    message:
        "Comparing with the committed files, {wildcards.study}"
    script:
        "../workflow_scripts/compare_reference.py"


rule compared:
    """Tables and figures made anew from the committed evidence, compared with the committed ones."""
    input:
        compared,
    localrule: True
