# Helper functions for the module reference.smk: the study limited to runs with committed evidence; no rules.
from distillation.study import evidence

COMMITTED = os.path.relpath(HOME / "results/reference")
RUN, EVALUATION = (pattern.replace("<results>", COMMITTED) for pattern in (RUN, EVALUATION))


def committed(pattern):
    """Protocol, run and seed of the committed files that match a pattern."""
    return [(protocol, run, int(seed)) for protocol, run, seed in zip(*glob_wildcards(pattern))]


STUDY = STUDY.limited_to(committed(EVALUATION))

CHECKS = {**CHECKS, "runs": {run: CHECKS["runs"][run] for run in CHECKS["runs"] if chosen_runs({run})}}


def evidence_of_this_study(wildcards):
    """Check the committed evidence against the settings; no files.

    As an input function it stops only plans of rules that have it.
    """
    record = f"{RUN}/run.json"
    records = {
        (protocol, run, seed): Path(record.format(protocol=protocol, run=run, seed=seed))
        for protocol, run, seed in committed(record)
    }
    try:
        evidence.check(STUDY, records)
    except UserError as error:
        raise WorkflowError(str(error)) from None
    return []


def can_be_rebuilt(figure):
    """Whether the committed files are enough for a figure (images and maps are not committed)."""
    settings = config["figures"][figure]
    committed_alone = settings["kind"] not in ("inputs", "saliency")
    published = settings["kind"] == "table" or {"published", "published_stages"} & set(settings)
    return committed_alone and bool(published or chosen_runs(runs_in_figure(figure)))


config["figures"] = {
    figure: config["figures"][figure] for figure in filter(can_be_rebuilt, config["figures"])
}
