# The effect of each switch between the protocols, one changed at a time. Not part of `all`.


rule make_bridge_table:
    input:
        evaluations=filled(EVALUATION, SELECTION.bridge.runs),
    output:
        csv=f"<results>/{STUDY.name}/bridge/bridge.csv",
        md=f"<results>/{STUDY.name}/bridge/bridge.md",
        tex=f"<results>/{STUDY.name}/bridge/bridge.tex",
        html=report(
            f"<results>/{STUDY.name}/bridge/bridge.html",
            **report_item(
                category("Bridge"), "bridge", item_labels("table", ["table", "figure"], SELECTION.bridge)
            ),
        ),
    log:
        "<results>/logs/make_bridge_table.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=SELECTION.bridge.plain(),
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
            **report_item(
                category("Bridge"), "bridge", item_labels("figure", ["table", "figure"], SELECTION.bridge)
            ),
        ),
        png=f"<results>/{STUDY.name}/bridge/bridge.png",
    log:
        "<results>/logs/plot_bridge.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=SELECTION.bridge.plain(),
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
