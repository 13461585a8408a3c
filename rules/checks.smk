# The first epochs of runs beside published logs, of a study with `checks`.


rule compare_with_published:
    input:
        histories=files(page("checks"), f"{RUN}/history.csv"),
        published=lambda wildcards: [
            path
            for check in SELECTIONS[wildcards.study].checks.checks.values()
            for path in in_study(wildcards.study, check["published"])
        ],
    output:
        csv="<results>/{study}/checks/checks.csv",
        md="<results>/{study}/checks/checks.md",
        tex="<results>/{study}/checks/checks.tex",
        html="<results>/{study}/checks/checks.html",
    log:
        "<results>/{study}/logs/compare_with_published.log",
    wildcard_constraints:
        study=having("checks"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(page("checks")),
        code=script_digest("compare_with_published.py"),
    message:
        "Comparing with published values, {wildcards.study}"
    script:
        "../workflow_scripts/compare_with_published.py"
