# Helper functions: what the rules of tables and figures read of the selection; no rules.

FIGURE = f"<results>/{STUDY.name}/figures/{{figure}}"


def table_of(wildcards):
    """What a table of accuracies shows."""
    return SELECTION.table(wildcards.table)


def page_of_table(wildcards):
    """What a table of accuracies shows, as plain values."""
    return table_of(wildcards).plain()


def figure_of(wildcards):
    """What a figure shows."""
    return SELECTION.figure(wildcards.figure)


def page_of_figure(wildcards):
    """What a figure shows, as plain values."""
    return figure_of(wildcards).plain()


def in_figure(pattern):
    """An input function: a file of each training in a figure."""
    return lambda wildcards: filled(pattern, figure_of(wildcards).runs)


def published_in_figure(key):
    """An input function: a file of published numbers, if the figure names one."""
    return lambda wildcards: from_workflow(getattr(figure_of(wildcards), key))


def checks(wildcards):
    """Runs to compare with published accuracies; an error if the configuration names none."""
    if SELECTION.checks is None:
        raise WorkflowError("`checks` is empty: snakemake --cores 1 check --configfile config/check.yaml")
    return SELECTION.checks
