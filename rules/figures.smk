# Figures of input images and saliency maps, and the target of all figures.


rule plot_inputs:
    input:
        unpack(lambda wildcards: prepared(config["figures"][wildcards.figure]["dataset"])),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "inputs", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/logs/plot_inputs/{figure}.log",
    wildcard_constraints:
        figure=any_of(figures_of("inputs")),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        title=setting("title"),
        note=STUDY.note,
        images=setting("images"),
        resolutions=setting("resolutions"),
        padding=setting("crop_padding"),
        seed=setting("seed"),
        code=script_digest("plot_inputs.py"),
    message:
        "Drawing {wildcards.figure}"
    script:
        "../workflow_scripts/plot_inputs.py"


rule plot_saliency:
    input:
        unpack(lambda wildcards: prepared(first_entry_of(wildcards).settings["dataset"])),
        records=of_figure(f"{RUN}/saliency.npz"),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "saliency", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/logs/plot_saliency/{figure}.log",
    wildcard_constraints:
        figure=any_of(figures_of("saliency")),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        title=setting("title"),
        note=STUDY.note,
        run=setting("run"),
        control=setting("control"),
        images=setting("images"),
        labels=lambda wildcards: labels_of(runs_in_figure(wildcards.figure)),
        protocols=protocols_of,
        runs=lambda wildcards: chosen_runs(runs_in_figure(wildcards.figure)),
        code=script_digest("plot_saliency.py"),
    message:
        "Drawing {wildcards.figure}"
    script:
        "../workflow_scripts/plot_saliency.py"


rule figures:
    input:
        expand([f"{FIGURE}.svg", f"{FIGURE}.png"], figure=config["figures"]),
    localrule: True
