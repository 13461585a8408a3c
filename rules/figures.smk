# Figures of input images and saliency maps, and the target of all figures.


rule plot_inputs:
    input:
        unpack(lambda wildcards: prepared(figure_of(wildcards).dataset)),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "inputs", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/logs/plot_inputs/{figure}.log",
    wildcard_constraints:
        figure=any_of(SELECTION.figures_of("inputs")),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=page_of_figure,
        code=script_digest("plot_inputs.py"),
    message:
        "Drawing {wildcards.figure}"
    script:
        "../workflow_scripts/plot_inputs.py"


rule plot_saliency:
    input:
        unpack(lambda wildcards: prepared(figure_of(wildcards).dataset)),
        records=in_figure(f"{RUN}/saliency.npz"),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "saliency", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/logs/plot_saliency/{figure}.log",
    wildcard_constraints:
        figure=any_of(SELECTION.figures_of("saliency")),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=page_of_figure,
        code=script_digest("plot_saliency.py"),
    message:
        "Drawing {wildcards.figure}"
    script:
        "../workflow_scripts/plot_saliency.py"


rule figures:
    input:
        expand([f"{FIGURE}.svg", f"{FIGURE}.png"], figure=SELECTION.figures),
    localrule: True
