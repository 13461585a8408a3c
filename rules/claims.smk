# Verdicts on the claims of a paper, and on claims beyond it.
JUDGED = {
    "evaluations": files(judged, EVALUATION),
    "histories": files(judged, f"{RUN}/history.csv"),
    "records": files(judged, f"{RUN}/run.json"),
    "accuracies": published(judged, "accuracies"),
    "reported": published(judged, "reported"),
}


rule make_claims:
    input:
        **JUDGED,
    output:
        csv="<results>/{study}/claims/{claims}.csv",
        md="<results>/{study}/claims/{claims}.md",
        tex="<results>/{study}/claims/{claims}.tex",
        html=report(
            "<results>/{study}/claims/{claims}.html",
            **report_item(category("Claims"), "claims", judged_labels),
        ),
    log:
        "<results>/{study}/logs/make_claims/{claims}.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(judged),
        caption=said(judged),
        content=content(JUDGED),
        code=script_digest("make_claims.py"),
    message:
        "Judging {wildcards.claims}, {wildcards.study}"
    script:
        "../workflow_scripts/make_claims.py"
