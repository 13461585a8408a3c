# What can be asked for by name.


rule data:
    """The data sets, checked and split into arrays."""
    input:
        expand(
            "<results>/data/{dataset}/manifest.json",
            dataset=sorted({dataset for name in LISTED for dataset in SELECTIONS[name].datasets}),
        ),
    localrule: True


rule teachers:
    """Trained teachers: those that the chosen students need."""
    input:
        in_all(trained, role="teacher"),
    localrule: True


rule students:
    """Trained students."""
    input:
        in_all(trained, role="student"),
    localrule: True


rule evaluation:
    """Every training and its evaluation."""
    input:
        in_all(evaluations),
    localrule: True


rule tables:
    """Tables of accuracies, differences, costs and settings."""
    input:
        in_all(tables),
    localrule: True


rule figures:
    """Figures, as svg and png."""
    input:
        in_all(figures),
    localrule: True


rule claims:
    """Verdicts on what the papers say."""
    input:
        in_all(claims),
    localrule: True


rule provenance:
    """From each number to its run."""
    input:
        in_all(provenance),
    localrule: True


rule archive:
    """Each study in one file, without weights."""
    input:
        expand(rules.pack_archive.output, study=LISTED),
    localrule: True


for study in SELECTIONS:

    rule:
        """Everything of this study."""
        name:
            study
        input:
            everything(SELECTIONS[study]),
        localrule: True


for protocol in sorted(ids_in("protocols")):

    rule:
        """Trainings and evaluations of this protocol, in every study that has it."""
        name:
            protocol
        input:
            in_all(evaluations, protocols=[protocol]),
        localrule: True


for study, selection in SELECTIONS.items():
    for protocol in selection.config["protocols"]:

        rule:
            """Trainings and evaluations of this protocol of this study."""
            name:
                f"{study}-{protocol}"
            input:
                evaluations(selection, protocols=[protocol]),
            localrule: True
