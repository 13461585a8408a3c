# Compare the first epochs of runs with published logs. Not part of `all`; part of `archive` and `reference`
# if an overlay has `checks`, such as config/check.yaml.


rule compare_with_published:
    input:
        histories=[
            f"{RUN}/history.csv".format(
                protocol=config["reproduce"][0], run=run, seed=config["seeds"]["students"][0]
            )
            for run in CHECKS["runs"]
        ],
        published=[os.path.relpath(HOME / check["published"]) for check in CHECKS["runs"].values()],
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
        title=CHECKS["title"],
        note=STUDY.note,
        checks=CHECKS["runs"],
        code=script_digest("compare_with_published.py"),
    message:
        "Comparing with published values"
    script:
        "../workflow_scripts/compare_with_published.py"


rule check:
    input:
        comparison,
    localrule: True
