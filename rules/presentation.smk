# Look-ups for the rules of tables and figures; no rules.

FIGURE = f"<results>/{STUDY.name}/figures/{{figure}}"


def labels_of(runs=None):
    """Labels of all runs, or of these, by id, in the order of the configuration."""
    return {entry.run: entry.label for entry in STUDY.entries.values() if runs is None or entry.run in runs}


def rows_of(table):
    """Label and runs of each row; `all` is one row a run."""
    rows = config["tables"][table]["rows"]
    if rows == "all":
        return [(label, [run]) for run, label in labels_of().items()]
    return [(row["label"], row["runs"]) for row in rows]


def runs_in_table(table):
    """Ids of the runs in a table."""
    return {run for _, runs in rows_of(table) for run in runs}


def figures_of(kind):
    """Ids of the figures of a kind."""
    return {figure for figure, settings in config["figures"].items() if settings["kind"] == kind}


def setting(key):
    """A look-up of a figure's setting."""
    return lambda wildcards: config["figures"][wildcards.figure][key]


def runs_in_figure(figure):
    """Ids of the runs in a figure: of its table, or those that it names."""
    settings = config["figures"][figure]
    if "table" in settings:
        return runs_in_table(settings["table"])
    named = {settings[key] for key in ("run", "control") if key in settings}
    named |= {run for runs in settings.get("panels", {}).values() for run in runs}
    return named


def of_figure(pattern):
    """A look-up of a file of each chosen run in a figure."""
    return lambda wildcards: for_runs(pattern, runs_in_figure(wildcards.figure))


def published_with(key):
    """A look-up of a file that lies beside the workflow and that a figure may name."""
    return lambda wildcards: [
        os.path.relpath(HOME / path) for path in [config["figures"][wildcards.figure].get(key)] if path
    ]


def first_entry_of(wildcards):
    """The run of a figure about one run, in the first protocol."""
    return STUDY.entries[config["reproduce"][0], config["figures"][wildcards.figure]["run"]]


def stages_of(wildcards):
    """Resolution and epochs of each stage of the run of a figure, in the first protocol."""
    return [(stage["resolution"], stage["epochs"]) for stage in first_entry_of(wildcards).settings["stages"]]


def tabulated(wildcards):
    """The table that a figure shows."""
    return config["tables"][config["figures"][wildcards.figure]["table"]]


def kinds_of(runs):
    """Method and network of each of these runs, by id."""
    declared = {**config["teachers"], **config["students"]}
    return {run: (declared[run]["method"], declared[run]["model"]) for run in labels_of(runs)}
