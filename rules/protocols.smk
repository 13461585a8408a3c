# Look-ups of protocols, bridge and checks; no rules.

BRIDGE = config["bridge"]
REMARKS = [
    f"{label}: {config['protocols'][protocol]['remark']}"
    for protocol, label in PROTOCOLS.items()
    if "remark" in config["protocols"][protocol]
]
CHECKS = config.get("checks", {"title": "", "runs": {}})


def pretrained_of(wildcards):
    """The file of published weights that a run starts from, if it does; you supply it."""
    file = STUDY.entries[wildcards.protocol, wildcards.run].pretrained
    if file and not Path(file).is_file():
        raise WorkflowError(
            f"{file}: {wildcards.run} starts from these weights, and they are not here; supply the file"
            " (docs/pretrained.md says from where), or write its path in `weights` in the configuration."
        )
    return {"pretrained": ancient(file)} if file else {}


def runs_read(table):
    """Protocol, run and seed of the chosen trainings that a table reads at one moment."""
    milestones = config["tables"][table].get("milestones", [])
    return [
        run
        for run in chosen_runs({milestone["run"] for milestone in milestones})
        if any((run["protocol"], run["run"]) == (r["protocol"], r["run"]) for r in milestones)
    ]


def settings_of_runs():
    """All that is set of each run of each protocol, chosen or not."""
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


def turned_switches():
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
    """Protocol, run and seed of all that the bridge compares."""
    named = {run for switch in turned_switches() for run in switch["runs"]}
    protocols = {BRIDGE["base"], *(switch["protocol"] for switch in turned_switches())}
    return chosen_runs(named, protocols=protocols)


def compared(wildcards):
    """The comparison, if the configuration has one."""
    if not CHECKS["runs"]:
        raise WorkflowError("`checks` is empty: snakemake --cores 1 check --configfile config/check.yaml")
    return rules.compare_with_published.output
