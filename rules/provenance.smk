# The index from each number to its run.
INDEXED = {
    "records": files(page("index"), f"{RUN}/run.json"),
    "evaluations": files(page("index"), EVALUATION),
}


rule index_runs:
    input:
        **INDEXED,
    output:
        csv="<results>/{study}/provenance/provenance.csv",
        md="<results>/{study}/provenance/provenance.md",
        html=report(
            "<results>/{study}/provenance/provenance.html",
            **report_item(category("Provenance"), "provenance", labels_of(page("index"))),
        ),
    log:
        "<results>/{study}/logs/index_runs.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(page("index")),
        caption=said(page("index")),
        content=content(INDEXED),
        code=script_digest("index_runs.py"),
    message:
        "Indexing the runs, {wildcards.study}"
    script:
        "../workflow_scripts/index_runs.py"
