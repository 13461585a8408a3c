# Helper functions: what the rules of tables, figures and pages read of the selections; no rules.
from distillation.study.configuration import suggestion

FIGURE = "<results>/{study}/figures/{figure}"


def page(name):
    """A function: the page of a study with this name in its selection, such as `claims`."""
    return lambda wildcards: getattr(SELECTIONS[wildcards.study], name)


def of_this_study(wildcards, kind, name, known):
    """Stop with a sentence if a study does not have what a path names; another study may have it."""
    if name not in known:
        raise WorkflowError(f"the study '{wildcards.study}' has no {kind} '{name}' {suggestion(name, known)}")


def table(wildcards):
    """What a table of accuracies shows."""
    selection = SELECTIONS[wildcards.study]
    of_this_study(wildcards, "table", wildcards.table, selection.tables)
    return selection.table(wildcards.table)


def figure(wildcards):
    """What a figure shows."""
    selection = SELECTIONS[wildcards.study]
    of_this_study(wildcards, "figure", wildcards.figure, selection.figures)
    return selection.figure(wildcards.figure)


def differences(wildcards):
    """The differences of a block, `pairs` or `bridge`."""
    selection = SELECTIONS[wildcards.study]
    known = [block for block in ("pairs", "bridge") if selection.has(block)]
    of_this_study(wildcards, "block", wildcards.pairs, known)
    return getattr(selection, wildcards.pairs)


def judged(wildcards):
    """The claims of a block."""
    selection = SELECTIONS[wildcards.study]
    known = [block for block in claim_settings.BLOCKS if selection.has(block)]
    of_this_study(wildcards, "block", wildcards.claims, known)
    return selection.judged(wildcards.claims)


def plain(page):
    """A function: a page as plain values, which a job is given."""
    return lambda wildcards: page(wildcards).plain()


def files(page, pattern):
    """An input function: a file of each training on a page."""
    return lambda wildcards: [TRAINED(path) for path in page(wildcards).files(pattern)]


def published(page, key):
    """An input function: a file of published values, if the page names one."""
    return lambda wildcards: named(
        wildcards.study, [name for name in [getattr(page(wildcards), key)] if name]
    )


def published_logs(wildcards):
    """The published values of each run that a study compares with them."""
    checks = page("checks")(wildcards).checks
    return named(wildcards.study, [check["published"] for check in checks.values()])


def having(block):
    """A wildcard constraint: the studies that have a block."""
    return any_of(name for name, selection in SELECTIONS.items() if selection.has(block))


def figures_of(kind):
    """A wildcard constraint: the figures of a kind."""
    return any_of({name for selection in SELECTIONS.values() for name in selection.figures_of(kind)})


def ids_of(**chosen):
    """A wildcard constraint: the ids of runs of all studies; see `Selection.ids`."""
    return any_of({run for selection in SELECTIONS.values() for run in selection.ids(**chosen)})
