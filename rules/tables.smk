# Tables of accuracies, published beside reproduced.


rule make_table:
    input:
        evaluations=lambda wildcards: for_runs(EVALUATION, runs_in_table(wildcards.table)),
        published=lambda wildcards: config["tables"][wildcards.table].get("published", []),
    output:
        csv=f"<results>/{STUDY.name}/tables/{{table}}.csv",
        md=f"<results>/{STUDY.name}/tables/{{table}}.md",
        tex=f"<results>/{STUDY.name}/tables/{{table}}.tex",
        html=report(f"<results>/{STUDY.name}/tables/{{table}}.html", category="Tables"),
    log:
        "<results>/logs/make_table/{table}.log",
    conda:
        "../envs/environment.yaml"
    params:
        title=lambda wildcards: config["tables"][wildcards.table]["title"],
        columns=lambda wildcards: config["tables"][wildcards.table]["columns"],
        rows=lambda wildcards: rows_of(wildcards.table),
        runs=lambda wildcards: chosen_runs(runs_in_table(wildcards.table)),
        protocols=PROTOCOLS,
        note=STUDY.note,
        code=script_digest("make_table.py"),
    message:
        "Making {wildcards.table}"
    script:
        "../workflow_scripts/make_table.py"


rule make_cost_table:
    input:
        records=for_runs(f"{RUN}/run.json"),
        evaluations=for_runs(EVALUATION),
    output:
        csv=f"<results>/{STUDY.name}/costs/costs.csv",
        md=f"<results>/{STUDY.name}/costs/costs.md",
        tex=f"<results>/{STUDY.name}/costs/costs.tex",
        html=report(f"<results>/{STUDY.name}/costs/costs.html", category="Tables"),
    log:
        "<results>/logs/make_cost_table.log",
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


rule tables:
    input:
        expand(rules.make_table.output, table=config["tables"]),
        rules.make_cost_table.output,
