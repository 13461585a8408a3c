# Figures of results: curves of accuracy by epoch, and comparisons of runs.
EVALUATIONS = {"evaluations": files(figure, EVALUATION)}
HISTORIES = {"histories": files(figure, f"{RUN}/history.csv")}
RECORDS = {"records": files(figure, f"{RUN}/run.json")}
STAGES = {"published_stages": published(figure, "published_stages")}
PUBLISHED = {"published": published(figure, "published")}
# Inputs and category in the report, by kind.
DRAWN = {
    "training-curve": (HISTORIES | PUBLISHED | STAGES, category_of_curve),
    "stages": (HISTORIES | STAGES, category("Figures")),
    "learning-curves": (HISTORIES, category("Learning curves")),
    "cost": (EVALUATIONS | RECORDS, category("Figures")),
    "resolutions": (EVALUATIONS, category("Figures")),
    "table": (EVALUATIONS | PUBLISHED, category("Figures")),
}


for kind, (shown, heading) in DRAWN.items():

    rule:
        name:
            f"plot_{kind.replace('-', '_')}"
        input:
            **shown,
        output:
            svg=report(f"{FIGURE}.svg", **report_item(heading, kind, figure_labels)),
            png=f"{FIGURE}.png",
        log:
            f"<results>/{{study}}/logs/plot_{kind.replace('-', '_')}/{{figure}}.log",
        wildcard_constraints:
            figure=figures_of(kind),
        localrule: True
        conda:
            "../envs/environment.yaml"
        params:
            page=plain(figure),
            caption=said(figure),
            content=content(shown),
            kind=kind,
            code=script_digest("plot.py", [f"pages.figures.{kind}"]),
        message:
            "Drawing {wildcards.figure}, {wildcards.study}"
        script:
            "../workflow_scripts/plot.py"
