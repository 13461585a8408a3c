# Where the files of trainings are, and which of them are shown: the committed evidence alone; no rules.
from distillation.study import evidence

COMMITTED = os.path.relpath(HOME / f"results/reference/{STUDY.name}")
RUN = f"{COMMITTED}/runs/{{protocol}}/{{run}}/seed-{{seed}}"
EVALUATION = f"{COMMITTED}/evaluation/{{protocol}}/{{run}}/seed-{{seed}}.json"


def committed(pattern):
    """Protocol, run and seed of the committed files that match a pattern."""
    return [(protocol, run, int(seed)) for protocol, run, seed in zip(*glob_wildcards(pattern))]


SELECTION = Selection.of_evidence(STUDY, config, committed(EVALUATION))


def evidence_of_this_study(wildcards):
    """Check the committed evidence against the settings; no files.

    As an input function it stops only plans of rules that have it.
    """
    record = f"{RUN}/run.json"
    records = {run: Path(filled(record, [run])[0]) for run in committed(record)}
    try:
        evidence.check(STUDY, records)
    except UserError as error:
        raise WorkflowError(str(error)) from None
    return []
