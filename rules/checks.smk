# Compare the first epochs of runs with published logs. Not part of `all`; part of `archive` and `reference`
# if an overlay has `checks`, such as config/check.yaml.


rule compare_with_published:
    input:
        histories=lambda wildcards: filled(f"{RUN}/history.csv", checks(wildcards).runs),
        published=lambda wildcards: [
            path for check in checks(wildcards).checks.values() for path in from_workflow(check["published"])
        ],
    output:
        csv=f"<results>/{STUDY.name}/checks/checks.csv",
        md=f"<results>/{STUDY.name}/checks/checks.md",
        tex=f"<results>/{STUDY.name}/checks/checks.tex",
        html=f"<results>/{STUDY.name}/checks/checks.html",
    log:
        "<results>/logs/compare_with_published.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=lambda wildcards: checks(wildcards).plain(),
        code=script_digest("compare_with_published.py"),
    message:
        "Comparing with published values"
    script:
        "../workflow_scripts/compare_with_published.py"


rule check:
    input:
        rules.compare_with_published.output,
    localrule: True


CHECKED = rules.compare_with_published.output if SELECTION.checks else []
