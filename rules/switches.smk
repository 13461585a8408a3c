# The page of switches: every setting of each run, and its source.


rule make_switch_page:
    input:
        sources=os.path.relpath(HOME / config["switches"]["sources"]),
    output:
        csv=f"<results>/{STUDY.name}/switches/switches.csv",
        md=f"<results>/{STUDY.name}/switches/switches.md",
        tex=f"<results>/{STUDY.name}/switches/switches.tex",
        html=report(
            f"<results>/{STUDY.name}/switches/switches.html",
            **report_item(category("Tables"), "switches", SWITCHES_LABELS),
        ),
    log:
        "<results>/logs/make_switch_page.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        title=config["switches"]["title"],
        note=STUDY.note,
        settings=settings_of_runs(),
        protocols=PROTOCOLS,
        code=script_digest("make_switch_page.py"),
    message:
        "Listing the switches"
    script:
        "../workflow_scripts/make_switch_page.py"
