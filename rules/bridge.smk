# The effect of each switch between the protocols, one changed at a time. Not part of `all`.


rule make_bridge_table:
    input:
        evaluations=[EVALUATION.format(**run) for run in runs_of_bridge()],
    output:
        csv=f"<results>/{STUDY.name}/bridge/bridge.csv",
        md=f"<results>/{STUDY.name}/bridge/bridge.md",
        tex=f"<results>/{STUDY.name}/bridge/bridge.tex",
        html=report(
            f"<results>/{STUDY.name}/bridge/bridge.html",
            **report_item(category("Bridge"), "bridge", item_labels(1, 2, BRIDGE["title"])),
        ),
    log:
        "<results>/logs/make_bridge_table.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        title=BRIDGE["title"],
        note=STUDY.note,
        base=BRIDGE["base"],
        switches=changed_switches(),
        runs=runs_of_bridge(),
        labels=labels_of({run["run"] for run in runs_of_bridge()}),
        code=script_digest("make_bridge_table.py"),
    message:
        "Making the bridge"
    script:
        "../workflow_scripts/make_bridge_table.py"


rule plot_bridge:
    input:
        evaluations=rules.make_bridge_table.input.evaluations,
    output:
        svg=report(
            f"<results>/{STUDY.name}/bridge/bridge.svg",
            **report_item(category("Bridge"), "bridge", item_labels(2, 2, BRIDGE["title"])),
        ),
        png=f"<results>/{STUDY.name}/bridge/bridge.png",
    log:
        "<results>/logs/plot_bridge.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        title=BRIDGE["title"],
        note=STUDY.note,
        base=BRIDGE["base"],
        switches=changed_switches(),
        runs=runs_of_bridge(),
        labels=labels_of({run["run"] for run in runs_of_bridge()}),
        code=script_digest("plot_bridge.py"),
    message:
        "Drawing the bridge"
    script:
        "../workflow_scripts/plot_bridge.py"


rule bridge:
    input:
        rules.make_bridge_table.output,
        rules.plot_bridge.output,
    localrule: True
