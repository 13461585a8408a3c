# Tables of accuracies (published and reproduced), costs and differences.


rule make_table:
    input:
        evaluations=lambda wildcards: for_runs(EVALUATION, runs_in_table(wildcards.table)),
        histories=lambda wildcards: [
            f"{RUN}/history.csv".format(**run) for run in milestone_runs(wildcards.table)
        ],
        published=lambda wildcards: path_from_workflow(config["tables"][wildcards.table].get("published")),
    output:
        csv=f"<results>/{STUDY.name}/tables/{{table}}.csv",
        md=f"<results>/{STUDY.name}/tables/{{table}}.md",
        tex=f"<results>/{STUDY.name}/tables/{{table}}.tex",
        html=report(
            f"<results>/{STUDY.name}/tables/{{table}}.html",
            **report_item(category("Tables"), "accuracy-table", table_labels),
        ),
    log:
        "<results>/logs/make_table/{table}.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        layout=lambda wildcards: layout_of(wildcards.table),
        runs=lambda wildcards: chosen_runs(runs_in_table(wildcards.table)),
        protocols=PROTOCOLS,
        tested=TESTED,
        absent=ABSENT,
        remarks=REMARKS,
        milestones=lambda wildcards: config["tables"][wildcards.table].get("milestones", []),
        read=lambda wildcards: milestone_runs(wildcards.table),
        note=STUDY.note,
        code=script_digest("make_table.py"),
    message:
        "Making {wildcards.table}"
    script:
        "../workflow_scripts/make_table.py"


rule make_cost_table:
    input:
        records=for_runs(f"{RUN}/run.json"),
    output:
        csv=f"<results>/{STUDY.name}/costs/costs.csv",
        md=f"<results>/{STUDY.name}/costs/costs.md",
        tex=f"<results>/{STUDY.name}/costs/costs.tex",
        html=report(
            f"<results>/{STUDY.name}/costs/costs.html",
            **report_item(category("Tables"), "cost-table", COSTS_LABELS),
        ),
    log:
        "<results>/logs/make_cost_table.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        runs=chosen_runs(),
        protocols=PROTOCOLS,
        note=STUDY.note,
        code=script_digest("make_cost_table.py"),
    message:
        "Adding up the costs"
    script:
        "../workflow_scripts/make_cost_table.py"


rule make_pairs:
    input:
        evaluations=for_runs(EVALUATION, runs_in_table(config["pairs"]["table"])),
        published=path_from_workflow(config["tables"][config["pairs"]["table"]].get("published")),
    output:
        csv=f"<results>/{STUDY.name}/pairs/pairs.csv",
        md=f"<results>/{STUDY.name}/pairs/pairs.md",
        tex=f"<results>/{STUDY.name}/pairs/pairs.tex",
        html=report(
            f"<results>/{STUDY.name}/pairs/pairs.html",
            **report_item(category("Tables"), "pairs", PAIRS_LABELS),
        ),
    log:
        "<results>/logs/make_pairs.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        title=config["pairs"]["title"],
        layout=layout_of(config["pairs"]["table"]),
        absent=ABSENT,
        pairs=config["pairs"]["rows"],
        runs=chosen_runs(runs_in_table(config["pairs"]["table"])),
        protocols=PROTOCOLS,
        tested=TESTED,
        note=STUDY.note,
        code=script_digest("make_pairs.py"),
    message:
        "Comparing rows"
    script:
        "../workflow_scripts/make_pairs.py"


rule tables:
    input:
        expand(rules.make_table.output, table=config["tables"]),
        rules.make_cost_table.output,
        rules.make_switch_page.output,
        rules.make_pairs.output,
    localrule: True
