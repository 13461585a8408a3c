# Figures of accuracy by epoch.


rule plot_training_curve:
    input:
        histories=files(figure, f"{RUN}/history.csv"),
        published=published(figure, "published"),
        published_stages=published(figure, "published_stages"),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category_of_curve, "training-curve", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/{study}/logs/plot_training_curve/{figure}.log",
    wildcard_constraints:
        figure=figures_of("training-curve"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(figure),
        code=script_digest("plot_training_curve.py"),
    message:
        "Drawing {wildcards.figure}, {wildcards.study}"
    script:
        "../workflow_scripts/plot_training_curve.py"


rule plot_stages:
    input:
        histories=files(figure, f"{RUN}/history.csv"),
        published_stages=published(figure, "published_stages"),
    output:
        svg=report(f"{FIGURE}.svg", **report_item(category("Figures"), "stages", figure_labels)),
        png=f"{FIGURE}.png",
    log:
        "<results>/{study}/logs/plot_stages/{figure}.log",
    wildcard_constraints:
        figure=figures_of("stages"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(figure),
        code=script_digest("plot_stages.py"),
    message:
        "Drawing {wildcards.figure}, {wildcards.study}"
    script:
        "../workflow_scripts/plot_stages.py"


rule plot_learning_curves:
    input:
        histories=files(figure, f"{RUN}/history.csv"),
    output:
        svg=report(
            f"{FIGURE}.svg", **report_item(category("Learning curves"), "learning-curves", figure_labels)
        ),
        png=f"{FIGURE}.png",
    log:
        "<results>/{study}/logs/plot_learning_curves/{figure}.log",
    wildcard_constraints:
        figure=figures_of("learning-curves"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(figure),
        code=script_digest("plot_learning_curves.py"),
    message:
        "Drawing {wildcards.figure}, {wildcards.study}"
    script:
        "../workflow_scripts/plot_learning_curves.py"
