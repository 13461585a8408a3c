# Verdicts on the paper's claims.


rule make_claims:
    input:
        evaluations=for_runs(EVALUATION, runs_in_claims()),
        histories=for_runs(f"{RUN}/history.csv", runs_in_claims()),
        records=for_runs(f"{RUN}/run.json", runs_in_claims()),
        accuracies=path_from_workflow(config["claims"]["published"]["accuracies"]),
        reported=path_from_workflow(config["claims"]["published"]["reported"]),
    output:
        csv=f"<results>/{STUDY.name}/claims/claims.csv",
        md=f"<results>/{STUDY.name}/claims/claims.md",
        tex=f"<results>/{STUDY.name}/claims/claims.tex",
        html=report(
            f"<results>/{STUDY.name}/claims/claims.html",
            **report_item(category("Claims"), "claims", item_labels(1, 1, "Verdicts on the paper's claims")),
        ),
    log:
        "<results>/logs/make_claims.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        claims=config["claims"]["stated"],
        teachers=teachers_of(runs_in_claims()),
        taught_by=[names for names in TAUGHT_BY if names[1] in runs_in_claims()],
        runs=chosen_runs(runs_in_claims()),
        protocols=PROTOCOLS,
        tested=TESTED,
        note=STUDY.note,
        no_verdict=config["no_verdict"],
        code=script_digest("make_claims.py"),
    message:
        "Judging the claims"
    script:
        "../workflow_scripts/make_claims.py"


rule claims:
    input:
        rules.make_claims.output,
    localrule: True
