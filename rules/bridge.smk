# The effect of each switch between the protocols of a study, one changed at a time.


rule make_bridge_table:
    input:
        evaluations=files(page("bridge"), EVALUATION),
    output:
        csv="<results>/{study}/bridge/bridge.csv",
        md="<results>/{study}/bridge/bridge.md",
        tex="<results>/{study}/bridge/bridge.tex",
        html=report(
            "<results>/{study}/bridge/bridge.html",
            **report_item(category("Bridge"), "bridge", labels_of(page("bridge"), 1, 2)),
        ),
    log:
        "<results>/{study}/logs/make_bridge_table.log",
    wildcard_constraints:
        study=having("bridge"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(page("bridge")),
        code=script_digest("make_bridge_table.py"),
    message:
        "Making the bridge, {wildcards.study}"
    script:
        "../workflow_scripts/make_bridge_table.py"


rule plot_bridge:
    input:
        evaluations=files(page("bridge"), EVALUATION),
    output:
        svg=report(
            "<results>/{study}/bridge/bridge.svg",
            **report_item(category("Bridge"), "bridge", labels_of(page("bridge"), 2, 2)),
        ),
        png="<results>/{study}/bridge/bridge.png",
    log:
        "<results>/{study}/logs/plot_bridge.log",
    wildcard_constraints:
        study=having("bridge"),
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        page=plain(page("bridge")),
        code=script_digest("plot_bridge.py"),
    message:
        "Drawing the bridge, {wildcards.study}"
    script:
        "../workflow_scripts/plot_bridge.py"
