# Tables of accuracies (published and reproduced), differences, costs and settings.


rule make_table:
    input:
        evaluations=lambda wildcards: filled(EVALUATION, table_of(wildcards).runs),
        histories=lambda wildcards: filled(f"{RUN}/history.csv", table_of(wildcards).milestone_runs),
        published=lambda wildcards: from_workflow(table_of(wildcards).published),
    output:
        csv=f"<results>/{STUDY.name}/tables/{{table}}.csv",
        md=f"<results>/{STUDY.name}/tables/{{table}}.md",
        tex=f"<results>/{STUDY.name}/tables/{{table}}.tex",
        html=report(
            f"<results>/{STUDY.name}/tables/{{table}}.html",
            **report_item(
                category("Tables"),
                "accuracy-table",
                lambda wildcards: table_labels(wildcards.table, table_of(wildcards)),
            ),
        ),
    log:
        "<results>/logs/make_table/{table}.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=page_of_table,
        code=script_digest("make_table.py"),
    message:
        "Making {wildcards.table}"
    script:
        "../workflow_scripts/make_table.py"


rule make_pairs:
    input:
        evaluations=filled(EVALUATION, SELECTION.pairs.runs),
        published=from_workflow(SELECTION.pairs.published),
    output:
        csv=f"<results>/{STUDY.name}/pairs/pairs.csv",
        md=f"<results>/{STUDY.name}/pairs/pairs.md",
        tex=f"<results>/{STUDY.name}/pairs/pairs.tex",
        html=report(
            f"<results>/{STUDY.name}/pairs/pairs.html",
            **report_item(category("Tables"), "pairs", table_labels("pairs", SELECTION.pairs)),
        ),
    log:
        "<results>/logs/make_pairs.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=SELECTION.pairs.plain(),
        code=script_digest("make_pairs.py"),
    message:
        "Comparing rows"
    script:
        "../workflow_scripts/make_pairs.py"


rule make_cost_table:
    input:
        records=filled(f"{RUN}/run.json", SELECTION.costs.runs),
    output:
        csv=f"<results>/{STUDY.name}/costs/costs.csv",
        md=f"<results>/{STUDY.name}/costs/costs.md",
        tex=f"<results>/{STUDY.name}/costs/costs.tex",
        html=report(
            f"<results>/{STUDY.name}/costs/costs.html",
            **report_item(category("Tables"), "cost-table", table_labels("costs", SELECTION.costs)),
        ),
    log:
        "<results>/logs/make_cost_table.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=SELECTION.costs.plain(),
        code=script_digest("make_cost_table.py"),
    message:
        "Adding up the costs"
    script:
        "../workflow_scripts/make_cost_table.py"


rule make_switch_page:
    input:
        sources=from_workflow(SELECTION.settings.sources),
    output:
        csv=f"<results>/{STUDY.name}/switches/switches.csv",
        md=f"<results>/{STUDY.name}/switches/switches.md",
        tex=f"<results>/{STUDY.name}/switches/switches.tex",
        html=report(
            f"<results>/{STUDY.name}/switches/switches.html",
            **report_item(category("Tables"), "switches", table_labels("switches", SELECTION.settings)),
        ),
    log:
        "<results>/logs/make_switch_page.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=SELECTION.settings.plain(),
        code=script_digest("make_switch_page.py"),
    message:
        "Listing the switches"
    script:
        "../workflow_scripts/make_switch_page.py"


rule tables:
    input:
        expand(rules.make_table.output, table=SELECTION.tables),
        rules.make_pairs.output,
        rules.make_cost_table.output,
        rules.make_switch_page.output,
    localrule: True
