# Verdicts on the paper's claims.


rule make_claims:
    input:
        evaluations=filled(EVALUATION, SELECTION.claims.runs),
        histories=filled(f"{RUN}/history.csv", SELECTION.claims.runs),
        records=filled(f"{RUN}/run.json", SELECTION.claims.runs),
        accuracies=from_workflow(SELECTION.claims.accuracies),
        reported=from_workflow(SELECTION.claims.reported),
    output:
        csv=f"<results>/{STUDY.name}/claims/claims.csv",
        md=f"<results>/{STUDY.name}/claims/claims.md",
        tex=f"<results>/{STUDY.name}/claims/claims.tex",
        html=report(
            f"<results>/{STUDY.name}/claims/claims.html",
            **report_item(category("Claims"), "claims", item_labels("claims", ["claims"], SELECTION.claims)),
        ),
    log:
        "<results>/logs/make_claims.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=SELECTION.claims.plain(),
        code=script_digest("make_claims.py"),
    message:
        "Judging the claims"
    script:
        "../workflow_scripts/make_claims.py"


rule claims:
    input:
        rules.make_claims.output,
    localrule: True
