# Helper functions for the contents of tables; no rules.

# Texts of tables and figures for the runs that a protocol does not have.
ABSENT = {
    protocol: {
        run: config["protocols"][protocol].get("absent", "not in this protocol")
        for run in sorted({**config["teachers"], **config["students"]})
        if (protocol, run) not in STUDY.entries
    }
    for protocol in PROTOCOLS
}


def title_of(table):
    """Title of a table, with the number of the paper's table that it reproduces."""
    settings = config["tables"][table]
    of_paper = f" (the paper's Table {settings['paper_table']})" if "paper_table" in settings else ""
    return settings["title"] + of_paper


def labels_of(runs=None):
    """Labels by id, in the order of the configuration: of these runs, or of all in the protocols."""
    entries = [entry for entry in STUDY.entries.values() if runs or entry.protocol in PROTOCOLS]
    return {entry.run: entry.label for entry in entries if runs is None or entry.run in runs}


def rows_of(table):
    """Label and runs of each row; `all` means one row per run."""
    rows = config["tables"][table]["rows"]
    if rows == "all":
        return [(label, [run]) for run, label in labels_of().items()]
    return [(row["label"], row["runs"]) for row in rows]


def instead_of(table):
    """By protocol and label of a row, the runs that this protocol has in that row."""
    rows = [row for row in config["tables"][table]["rows"] if isinstance(row, dict)]
    return {
        protocol: {
            row["label"]: row["instead"][protocol] for row in rows if protocol in row.get("instead", {})
        }
        for protocol in PROTOCOLS
    }


def layout_of(table, figure=None):
    """The layout of a table, with its own title or that of a figure of it."""
    return {
        "title": config["figures"][figure]["title"] if figure else title_of(table),
        "columns": config["tables"][table]["columns"],
        "rows": rows_of(table),
        "instead": instead_of(table),
    }


def runs_in_table(table):
    """Ids of the runs in a table."""
    rows = [*rows_of(table), *(row for rows in instead_of(table).values() for row in rows.items())]
    return {run for _, runs in rows for run in runs}


def path_from_workflow(path):
    """Path of a file that the configuration names relative to the workflow; empty if it names none."""
    return os.path.relpath(HOME / path) if path else []
