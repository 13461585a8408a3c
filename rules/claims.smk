# Verdicts on the claims of a study.


rule make_claims:
    input:
        evaluations=files(page("claims"), EVALUATION),
        histories=files(page("claims"), f"{RUN}/history.csv"),
        records=files(page("claims"), f"{RUN}/run.json"),
        accuracies=published(page("claims"), "accuracies"),
        reported=published(page("claims"), "reported"),
    output:
        csv="<results>/{study}/claims/claims.csv",
        md="<results>/{study}/claims/claims.md",
        tex="<results>/{study}/claims/claims.tex",
        html=report(
            "<results>/{study}/claims/claims.html",
            **report_item(category("Claims"), "claims", labels_of(page("claims"))),
        ),
    log:
        "<results>/{study}/logs/make_claims.log",
    wildcard_constraints:
        study=having("claims"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(page("claims")),
        code=script_digest("make_claims.py"),
    message:
        "Judging the claims, {wildcards.study}"
    script:
        "../workflow_scripts/make_claims.py"
