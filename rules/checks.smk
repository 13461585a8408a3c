# The first epochs of runs beside published logs, of a study with `checks`.
CHECKED = {"histories": files(page("checks"), f"{RUN}/history.csv"), "published": published_logs}


rule compare_with_published:
    input:
        **CHECKED,
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
        content=content(CHECKED),
        code=script_digest("compare_with_published.py"),
    message:
        "Comparing with published values, {wildcards.study}"
    script:
        "../workflow_scripts/compare_with_published.py"
