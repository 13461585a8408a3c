# Figures that compare runs.


rule plot_cost:
    input:
        evaluations=files(figure, EVALUATION),
        records=files(figure, f"{RUN}/run.json"),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "cost", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/{study}/logs/plot_cost/{figure}.log",
    wildcard_constraints:
        figure=figures_of("cost"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(figure),
        code=script_digest("plot_cost.py"),
    message:
        "Drawing {wildcards.figure}, {wildcards.study}"
    script:
        "../workflow_scripts/plot_cost.py"


rule plot_resolutions:
    input:
        evaluations=files(figure, EVALUATION),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "resolutions", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/{study}/logs/plot_resolutions/{figure}.log",
    wildcard_constraints:
        figure=figures_of("resolutions"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(figure),
        code=script_digest("plot_resolutions.py"),
    message:
        "Drawing {wildcards.figure}, {wildcards.study}"
    script:
        "../workflow_scripts/plot_resolutions.py"


rule plot_table:
    input:
        evaluations=files(figure, EVALUATION),
        published=published(figure, "published"),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "table", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/{study}/logs/plot_table/{figure}.log",
    wildcard_constraints:
        figure=figures_of("table"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(figure),
        code=script_digest("plot_table.py"),
    message:
        "Drawing {wildcards.figure}, {wildcards.study}"
    script:
        "../workflow_scripts/plot_table.py"
