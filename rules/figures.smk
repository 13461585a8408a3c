# Figures of input images and saliency maps.


rule plot_inputs:
    input:
        unpack(lambda wildcards: prepared(figure(wildcards).dataset)),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "inputs", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/{study}/logs/plot_inputs/{figure}.log",
    wildcard_constraints:
        figure=figures_of("inputs"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(figure),
        caption=said(figure),
        code=script_digest("plot_inputs.py"),
    message:
        "Drawing {wildcards.figure}, {wildcards.study}"
    script:
        "../workflow_scripts/plot_inputs.py"


rule plot_saliency:
    input:
        unpack(lambda wildcards: prepared(figure(wildcards).dataset)),
        records=files(figure, f"{RUN}/saliency.npz"),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "saliency", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/{study}/logs/plot_saliency/{figure}.log",
    wildcard_constraints:
        figure=figures_of("saliency"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(figure),
        caption=said(figure),
        code=script_digest("plot_saliency.py"),
    message:
        "Drawing {wildcards.figure}, {wildcards.study}"
    script:
        "../workflow_scripts/plot_saliency.py"
