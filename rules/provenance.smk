# The index from each number to its run, and the archive of the results.


rule index_runs:
    input:
        records=for_runs(f"{RUN}/run.json"),
        evaluations=for_runs(EVALUATION),
    output:
        csv=f"<results>/{STUDY.name}/provenance/provenance.csv",
        md=f"<results>/{STUDY.name}/provenance/provenance.md",
        html=report(
            f"<results>/{STUDY.name}/provenance/provenance.html",
            **report_item(
                category("Provenance"), "provenance", item_labels(1, 1, "From each number to its run")
            ),
        ),
    log:
        "<results>/logs/index_runs.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        tables={table: layout_of(table) for table in config["tables"]},
        taught_by=TAUGHT_BY,
        absent=ABSENT,
        runs=chosen_runs(),
        protocols=PROTOCOLS,
        tested=TESTED,
        note=STUDY.note,
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
        rules.compare_with_published.output if CHECKS["runs"] else [],
        for_runs(f"{RUN}/history.csv"),
        for_runs(f"{RUN}/run.json"),
        for_runs(EVALUATION),
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
