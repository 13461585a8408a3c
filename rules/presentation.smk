# Helper functions for the contents of figures and claims; no rules.

FIGURE = f"<results>/{STUDY.name}/figures/{{figure}}"
# A figure of one run is made only if a protocol in `reproduce` has that run.
config["figures"] = {
    figure: settings
    for figure, settings in config["figures"].items()
    if "run" not in settings or any((protocol, settings["run"]) in STUDY.entries for protocol in PROTOCOLS)
}


def figures_of(kind):
    """Ids of the figures of a kind."""
    return {figure for figure, settings in config["figures"].items() if settings["kind"] == kind}


def setting(key):
    """A function that returns a setting of a figure."""
    return lambda wildcards: config["figures"][wildcards.figure][key]


def runs_in_figure(figure):
    """Ids of the runs in a figure: those of its table, or those that it names."""
    settings = config["figures"][figure]
    if "table" in settings:
        return runs_in_table(settings["table"])
    named = {settings[key] for key in ("run", "control") if key in settings}
    named |= {run for runs in settings.get("panels", {}).values() for run in runs}
    return named


def of_figure(pattern):
    """An input function: a file of each chosen training in a figure."""
    return lambda wildcards: for_runs(pattern, runs_in_figure(wildcards.figure))


def published_with(key):
    """An input function: a file of published numbers, if the figure names one."""
    return lambda wildcards: [
        path_from_workflow(path) for path in [config["figures"][wildcards.figure].get(key)] if path
    ]


def protocols_of(wildcards):
    """Labels of the protocols that have the run of a single-run figure."""
    run = config["figures"][wildcards.figure]["run"]
    return {protocol: label for protocol, label in PROTOCOLS.items() if (protocol, run) in STUDY.entries}


def first_entry_of(wildcards):
    """The run of a single-run figure, in the first protocol that has it."""
    return STUDY.entries[next(iter(protocols_of(wildcards))), config["figures"][wildcards.figure]["run"]]


def stages_of(wildcards):
    """Resolution and epochs of each stage of the run of a figure, in the first protocol."""
    return [(stage["resolution"], stage["epochs"]) for stage in first_entry_of(wildcards).settings["stages"]]


def table_of(wildcards):
    """The table that a figure shows."""
    return config["tables"][config["figures"][wildcards.figure]["table"]]


def kinds_of(runs):
    """Method and network of each of these runs, by id."""
    declared = {**config["teachers"], **config["students"]}
    return {run: (declared[run]["method"], declared[run]["model"]) for run in labels_of(runs)}


def cases_of_claims():
    """Every case of every claim."""
    return [case for claim in config["claims"]["stated"].values() for case in claim["cases"]]


def teachers_of(runs):
    """Id of the paper's teacher of each of these runs that has one."""
    declared = config["students"]
    return {run: declared[run]["teacher"] for run in sorted(runs) if "teacher" in declared.get(run, {})}


# Protocol and run of each run with a teacher, and those of its teacher.
TAUGHT_BY = [[*key, *entry.teacher] for key, entry in STUDY.entries.items() if entry.teacher]


def runs_in_claims():
    """Ids of the runs that claims compare, and of their teachers."""
    named = {case[key] for case in cases_of_claims() for key in ("run", "against") if key in case}
    named |= {run for case in cases_of_claims() for run in case.get("instead", {}).values()}
    taught = {teacher for _, run, _, teacher in TAUGHT_BY if run in named}
    return named | taught | set(teachers_of(named).values())
