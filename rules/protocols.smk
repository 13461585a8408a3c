# Helper functions for protocols, bridge and checks; no rules.

BRIDGE = config["bridge"]
REMARKS = [
    f"{label}: {config['protocols'][protocol]['remark']}"
    for protocol, label in PROTOCOLS.items()
    if "remark" in config["protocols"][protocol]
]
CHECKS = config.get("checks", {"title": "", "runs": {}})


def pretrained_of(wildcards):
    """The file of pretrained weights of a run, if it has one; the user supplies it."""
    file = STUDY.entries[wildcards.protocol, wildcards.run].pretrained
    if file and not Path(file).is_file():
        raise WorkflowError(
            f"{file}: {wildcards.run} starts from these weights, but the file does not exist; supply it"
            " (docs/pretrained.md says from where), or set its path in `weights` in the configuration."
        )
    return {"pretrained": ancient(file)} if file else {}


def milestone_runs(table):
    """Protocol, run and seed of the chosen trainings with a milestone in a table."""
    milestones = config["tables"][table].get("milestones", [])
    return [
        run
        for run in chosen_runs({milestone["run"] for milestone in milestones})
        if any((run["protocol"], run["run"]) == (r["protocol"], r["run"]) for r in milestones)
    ]


def settings_of_runs():
    """All settings of each run of each protocol, chosen or not."""
    return [
        {
            "protocol": entry.protocol,
            "run": entry.run,
            "role": entry.role,
            "label": entry.label,
            "selection": entry.selection,
            "seeds": list(entry.seeds),
            "spec": spec.to_mapping(entry.resolve(entry.seeds[0])),
        }
        for entry in STUDY.entries.values()
        if entry.protocol in PROTOCOLS
    ]


def changed_switches():
    """Label, protocol, selection and runs of each switch."""
    return [
        {
            "label": switch["label"],
            "protocol": switch.get("protocol", BRIDGE["base"]),
            "selection": switch.get("selection"),
            "runs": switch.get("runs")
            or [run for protocol, run in STUDY.entries if protocol == switch["protocol"]],
        }
        for switch in BRIDGE["switches"]
    ]


def runs_of_bridge():
    """Protocol, run and seed of all trainings that the bridge compares."""
    named = {run for switch in changed_switches() for run in switch["runs"]}
    protocols = {BRIDGE["base"], *(switch["protocol"] for switch in changed_switches())}
    return chosen_runs(named, protocols=protocols)


def comparison(wildcards):
    """The files of the comparison; an error if the configuration has no `checks`."""
    if not CHECKS["runs"]:
        raise WorkflowError("`checks` is empty: snakemake --cores 1 check --configfile config/check.yaml")
    return rules.compare_with_published.output
