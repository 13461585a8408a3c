# Look-ups for the module reference.smk: the study as far as the repository keeps its evidence; no rules.
from distillation.study import evidence

KEPT = os.path.relpath(HOME / "results/reference")
RUN, EVALUATION = (pattern.replace("<results>", KEPT) for pattern in (RUN, EVALUATION))


def kept(pattern):
    """Protocol, run and seed of the files that are kept of a pattern."""
    return [(protocol, run, int(seed)) for protocol, run, seed in zip(*glob_wildcards(pattern))]


STUDY = STUDY.limited_to(kept(EVALUATION))

CHECKS = {**CHECKS, "runs": {run: CHECKS["runs"][run] for run in CHECKS["runs"] if chosen_runs({run})}}


def evidence_of_this_study(wildcards):
    """No files: evidence of other settings stops what has this input, and no other plan."""
    record = f"{RUN}/run.json"
    records = {
        (protocol, run, seed): Path(record.format(protocol=protocol, run=run, seed=seed))
        for protocol, run, seed in kept(record)
    }
    try:
        evidence.check(STUDY, records)
    except UserError as error:
        raise WorkflowError(str(error)) from None
    return []


def can_be_rebuilt(figure):
    """Whether a figure needs no images or maps, which are not kept, and would show anything."""
    settings = config["figures"][figure]
    kept = settings["kind"] not in ("inputs", "saliency")
    published = settings["kind"] == "table" or {"published", "published_stages"} & set(settings)
    return kept and bool(published or chosen_runs(runs_in_figure(figure)))


config["figures"] = {
    figure: config["figures"][figure] for figure in filter(can_be_rebuilt, config["figures"])
}
