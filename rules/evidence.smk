# Look-ups for the module reference.smk: the study as far as the repository keeps its evidence; no rules.

KEPT = os.path.relpath(HOME / "results/reference")
RUN, EVALUATION = (pattern.replace("<results>", KEPT) for pattern in (RUN, EVALUATION))
STUDY = STUDY.limited_to(
    (protocol, run, int(seed)) for protocol, run, seed in zip(*glob_wildcards(EVALUATION))
)

CHECKS = {**CHECKS, "runs": {run: CHECKS["runs"][run] for run in CHECKS["runs"] if chosen_runs({run})}}


def can_be_rebuilt(figure):
    """Whether a figure needs no images or maps, which are not kept, and would show anything."""
    settings = config["figures"][figure]
    kept = settings["kind"] not in ("inputs", "saliency")
    published = settings["kind"] == "table" or {"published", "published_stages"} & set(settings)
    return kept and bool(published or chosen_runs(runs_in_figure(figure)))


config["figures"] = {
    figure: config["figures"][figure] for figure in filter(can_be_rebuilt, config["figures"])
}
