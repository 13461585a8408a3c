# Figures that compare runs.


rule plot_cost:
    input:
        evaluations=of_figure(EVALUATION),
        records=of_figure(f"{RUN}/run.json"),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "cost", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/logs/plot_cost/{figure}.log",
    wildcard_constraints:
        figure=any_of(figures_of("cost")),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        title=setting("title"),
        note=STUDY.note,
        kinds=lambda wildcards: kinds_of(runs_in_figure(wildcards.figure)),
        labels=lambda wildcards: labels_of(runs_in_figure(wildcards.figure)),
        protocols=PROTOCOLS,
        tested=TESTED,
        absent=ABSENT,
        runs=lambda wildcards: chosen_runs(runs_in_figure(wildcards.figure)),
        code=script_digest("plot_cost.py"),
    message:
        "Drawing {wildcards.figure}"
    script:
        "../workflow_scripts/plot_cost.py"


rule plot_resolutions:
    input:
        evaluations=of_figure(EVALUATION),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "resolutions", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/logs/plot_resolutions/{figure}.log",
    wildcard_constraints:
        figure=any_of(figures_of("resolutions")),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        title=setting("title"),
        note=STUDY.note,
        panels=setting("panels"),
        labels=lambda wildcards: labels_of(runs_in_figure(wildcards.figure)),
        protocols=PROTOCOLS,
        tested=TESTED,
        absent=ABSENT,
        runs=lambda wildcards: chosen_runs(runs_in_figure(wildcards.figure)),
        code=script_digest("plot_resolutions.py"),
    message:
        "Drawing {wildcards.figure}"
    script:
        "../workflow_scripts/plot_resolutions.py"


rule plot_table:
    input:
        evaluations=of_figure(EVALUATION),
        published=lambda wildcards: path_from_workflow(table_of(wildcards).get("published")),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "table", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/logs/plot_table/{figure}.log",
    wildcard_constraints:
        figure=any_of(figures_of("table")),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        note=STUDY.note,
        layout=lambda wildcards: layout_of(config["figures"][wildcards.figure]["table"], wildcards.figure),
        protocols=PROTOCOLS,
        tested=TESTED,
        absent=ABSENT,
        runs=lambda wildcards: chosen_runs(runs_in_figure(wildcards.figure)),
        code=script_digest("plot_table.py"),
    message:
        "Drawing {wildcards.figure}"
    script:
        "../workflow_scripts/plot_table.py"
