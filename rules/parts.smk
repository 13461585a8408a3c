# Helper functions: the files of each part of a study; no rules.
from distillation.study.costs import plan


def in_all(part, **chosen):
    """The files of a part, in all studies but those on request."""
    return [path for name in LISTED for path in part(SELECTIONS[name], **chosen)]


def of_study(output, selection, **wildcards):
    """The files of a rule's output in a study."""
    return expand(output, study=selection.study.name, **wildcards)


def trained(selection, role):
    """The files of all chosen trainings of a role."""
    kinds = (
        ({"taught": False}, rules.train.output),
        ({"taught": True, "maps": True}, rules.distill.output),
        ({"taught": True, "maps": False}, rules.distill_without_maps.output),
    )
    return [
        path
        for kind, outputs in kinds
        for output in outputs
        for path in selection.files(output, ids=selection.ids(**kind), role=role)
    ]


def evaluations(selection, protocols=None):
    """The evaluations of all chosen trainings; of some protocols, also if they are not reproduced."""
    return selection.files(EVALUATION, protocols=protocols)


def tables(selection):
    """Every table."""
    return [
        *of_study(rules.make_table.output, selection, table=selection.tables),
        *pairs(selection, "pairs"),
        *of_study(rules.make_cost_table.output, selection),
        *(of_study(rules.make_switch_page.output, selection) if selection.has("switches") else []),
    ]


def pairs(selection, block):
    """The differences of a block, `pairs` or `bridge`, of a study that has it."""
    return of_study(rules.make_pairs.output, selection, pairs=block) if selection.has(block) else []


def figures(selection):
    """Every figure."""
    return of_study([f"{FIGURE}.svg", f"{FIGURE}.png"], selection, figure=selection.figures)


def claims(selection):
    """The verdicts on the claims of a study that has some."""
    return of_study(rules.make_claims.output, selection, claims=selection.judged_pages)


def further_claims(selection, block):
    """The verdicts on the claims beyond the paper, `controls` or `best`, of a study that has some."""
    return of_study(rules.make_claims.output, selection, claims=block) if selection.has(block) else []


def provenance(selection):
    """The index of its runs."""
    return of_study(rules.index_runs.output, selection)


def bridge(selection):
    """The bridge of a study that has one."""
    return pairs(selection, "bridge")


def checks(selection):
    """The comparison with published logs of a study that has one."""
    return of_study(rules.compare_with_published.output, selection) if selection.checks else []


def pages(selection):
    """Everything that shows results, but for the bridge."""
    return tables(selection) + figures(selection) + claims(selection) + provenance(selection)


def archived(selection):
    """What an archive of a study has: no weights, no maps, no data."""
    runs = [f"{RUN}/history.csv", f"{RUN}/run.json", EVALUATION]
    return pages(selection) + checks(selection) + [path for file in runs for path in selection.files(file)]


def everything(selection):
    """What `all` makes of a study."""
    trainings = trained(selection, "teacher") + trained(selection, "student")
    return trainings + evaluations(selection) + pages(selection)


def required(part, advice, **chosen):
    """An input function: the files of a part; an error with advice if no study has it."""

    def paths(wildcards):
        found = in_all(part, **chosen)
        if not found:
            raise WorkflowError(advice)
        return found

    return paths


def cost_of(block):
    """A function: what the trainings beyond the paper of a block cost, in words, in all studies."""

    def words(wildcards):
        checks = list(Path(PATHS.results, "bench").glob("*/gpu-check.json"))
        chosen = [SELECTIONS[name] for name in LISTED if SELECTIONS[name].has(block)]
        return ", ".join(plan.words(one.study, one.further_runs(block), checks) for one in chosen)

    return words
