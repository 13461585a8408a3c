# Figures that compare runs.


rule plot_cost:
    input:
        evaluations=in_figure(EVALUATION),
        records=in_figure(f"{RUN}/run.json"),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "cost", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/logs/plot_cost/{figure}.log",
    wildcard_constraints:
        figure=any_of(SELECTION.figures_of("cost")),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=page_of_figure,
        code=script_digest("plot_cost.py"),
    message:
        "Drawing {wildcards.figure}"
    script:
        "../workflow_scripts/plot_cost.py"


rule plot_resolutions:
    input:
        evaluations=in_figure(EVALUATION),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "resolutions", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/logs/plot_resolutions/{figure}.log",
    wildcard_constraints:
        figure=any_of(SELECTION.figures_of("resolutions")),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=page_of_figure,
        code=script_digest("plot_resolutions.py"),
    message:
        "Drawing {wildcards.figure}"
    script:
        "../workflow_scripts/plot_resolutions.py"


rule plot_table:
    input:
        evaluations=in_figure(EVALUATION),
        published=published_in_figure("published"),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "table", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/logs/plot_table/{figure}.log",
    wildcard_constraints:
        figure=any_of(SELECTION.figures_of("table")),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=page_of_figure,
        code=script_digest("plot_table.py"),
    message:
        "Drawing {wildcards.figure}"
    script:
        "../workflow_scripts/plot_table.py"
