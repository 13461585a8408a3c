# Tables of accuracies (published and reproduced), differences, costs and settings.
ACCURACIES = {"evaluations": files(table, EVALUATION), "published": published(table, "published")}
COMPARED = {"evaluations": files(differences, EVALUATION), "published": published(differences, "published")}
COSTS = {"records": files(page("costs"), f"{RUN}/run.json")}
SOURCES = {"sources": published(page("switches"), "sources")}


rule make_table:
    input:
        **ACCURACIES,
    output:
        csv="<results>/{study}/tables/{table}.csv",
        md="<results>/{study}/tables/{table}.md",
        tex="<results>/{study}/tables/{table}.tex",
        html=report(
            "<results>/{study}/tables/{table}.html",
            **report_item(category("Tables"), "accuracy-table", table_labels(table)),
        ),
    log:
        "<results>/{study}/logs/make_table/{table}.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(table),
        caption=said(table),
        content=content(ACCURACIES),
        code=script_digest("make_table.py"),
    message:
        "Making {wildcards.table}, {wildcards.study}"
    script:
        "../workflow_scripts/make_table.py"


rule make_pairs:
    input:
        **COMPARED,
    output:
        csv="<results>/{study}/pairs/{pairs}.csv",
        md="<results>/{study}/pairs/{pairs}.md",
        tex="<results>/{study}/pairs/{pairs}.tex",
        html=report(
            "<results>/{study}/pairs/{pairs}.html",
            **report_item(category("Tables"), "pairs", table_labels(differences)),
        ),
    log:
        "<results>/{study}/logs/make_pairs/{pairs}.log",
    wildcard_constraints:
        pairs="pairs|bridge",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(differences),
        caption=said(differences),
        content=content(COMPARED),
        code=script_digest("make_pairs.py"),
    message:
        "Comparing the {wildcards.pairs}, {wildcards.study}"
    script:
        "../workflow_scripts/make_pairs.py"


rule make_cost_table:
    input:
        **COSTS,
    output:
        csv="<results>/{study}/costs/costs.csv",
        md="<results>/{study}/costs/costs.md",
        tex="<results>/{study}/costs/costs.tex",
        html=report(
            "<results>/{study}/costs/costs.html",
            **report_item(category("Tables"), "cost-table", table_labels(page("costs"), "costs")),
        ),
    log:
        "<results>/{study}/logs/make_cost_table.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(page("costs")),
        caption=said(page("costs")),
        content=content(COSTS),
        code=script_digest("make_cost_table.py"),
    message:
        "Adding up the costs, {wildcards.study}"
    script:
        "../workflow_scripts/make_cost_table.py"


rule make_switch_page:
    input:
        **SOURCES,
    output:
        csv="<results>/{study}/switches/switches.csv",
        md="<results>/{study}/switches/switches.md",
        tex="<results>/{study}/switches/switches.tex",
        html=report(
            "<results>/{study}/switches/switches.html",
            **report_item(category("Tables"), "switches", table_labels(page("switches"), "switches")),
        ),
    log:
        "<results>/{study}/logs/make_switch_page.log",
    wildcard_constraints:
        study=having("switches"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(page("switches")),
        caption=said(page("switches")),
        content=content(SOURCES),
        code=script_digest("make_switch_page.py"),
    message:
        "Listing the switches, {wildcards.study}"
    script:
        "../workflow_scripts/make_switch_page.py"
