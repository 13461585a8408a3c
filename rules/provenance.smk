# The index from each number to its run, and the archive of the results.


rule index_runs:
    input:
        records=filled(f"{RUN}/run.json", SELECTION.index.runs),
        evaluations=filled(EVALUATION, SELECTION.index.runs),
    output:
        csv=f"<results>/{STUDY.name}/provenance/provenance.csv",
        md=f"<results>/{STUDY.name}/provenance/provenance.md",
        html=report(
            f"<results>/{STUDY.name}/provenance/provenance.html",
            **report_item(
                category("Provenance"), "provenance", item_labels("index", ["index"], SELECTION.index)
            ),
        ),
    log:
        "<results>/logs/index_runs.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=SELECTION.index.plain(),
        code=script_digest("index_runs.py"),
    message:
        "Indexing the runs"
    script:
        "../workflow_scripts/index_runs.py"


rule provenance:
    input:
        rules.index_runs.output,
    localrule: True


rule archive:
    input:
        rules.tables.input,
        rules.figures.input,
        rules.claims.input,
        rules.provenance.input,
        CHECKED,
        filled(f"{RUN}/history.csv", SELECTION.runs()),
        filled(f"{RUN}/run.json", SELECTION.runs()),
        filled(EVALUATION, SELECTION.runs()),
    output:
        f"<results>/{STUDY.name}.tar.gz",
    log:
        "<results>/logs/archive.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        code=script_digest("archive.py"),
    message:
        "Packing the results"
    script:
        "../workflow_scripts/archive.py"
