# Figures.


rule plot_learning_curves:
    input:
        histories=lambda wildcards: for_runs(f"{RUN}/history.csv", runs_in_figure(wildcards.figure)),
    output:
        svg=report(f"<results>/{STUDY.name}/figures/{{figure}}.svg", category="Figures"),
        png=f"<results>/{STUDY.name}/figures/{{figure}}.png",
    log:
        "<results>/logs/plot_learning_curves/{figure}.log",
    conda:
        "../envs/environment.yaml"
    params:
        title=lambda wildcards: config["figures"][wildcards.figure]["title"],
        panels=lambda wildcards: config["figures"][wildcards.figure]["panels"],
        labels=lambda wildcards: labels_of(runs_in_figure(wildcards.figure)),
        protocols={protocol: config["protocols"][protocol]["label"] for protocol in config["reproduce"]},
        runs=lambda wildcards: chosen_runs(runs_in_figure(wildcards.figure)),
        note=STUDY.note,
        code=script_digest("plot_learning_curves.py"),
    message:
        "Drawing {wildcards.figure}"
    script:
        "../workflow_scripts/plot_learning_curves.py"


rule figures:
    input:
        expand(rules.plot_learning_curves.output, figure=config["figures"]),
