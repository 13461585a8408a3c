# Where the files of trainings are, and which of them are shown: the committed evidence alone; no rules.
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import evidence

COMMITTED = os.path.relpath(HOME / PATHS.reference)
RUN = f"{COMMITTED}/{{study}}/runs/{{protocol}}/{{run}}/seed-{{seed}}"
EVALUATION = f"{COMMITTED}/{{study}}/evaluation/{{protocol}}/{{run}}/seed-{{seed}}.json"
# No rule makes these files; see `content`.
TRAINED = ancient


def committed(pattern, study):
    """Protocol, run and seed of the committed files of a study that match a pattern."""
    found = glob_wildcards(pattern.replace("{study}", study))
    return [(protocol, run, TrainingSeed.parse(seed)) for protocol, run, seed in zip(*found)]


SELECTIONS = {
    name: Selection.of_evidence(study, committed(EVALUATION, name)) for name, study in STUDIES.items()
}


def checked_evidence(*names):
    """An input function that checks the committed evidence of some studies against their settings; no files.

    As an input function it stops only plans of rules that have it.
    """

    def check(wildcards):
        record = f"{RUN}/run.json"
        for name in names or [wildcards.study]:
            records = {run: Path(filled(record, name, [run])[0]) for run in committed(record, name)}
            try:
                evidence.check(STUDIES[name], records)
            except UserError as error:
                raise WorkflowError(str(error)) from None
        return []

    return check


def all_committed(wildcards):
    """SHA-256 of all that is committed of a study; see `content`."""
    found = Path(COMMITTED, wildcards.study).rglob("*")
    return together(sorted(path for path in found if path.is_file()))


def compared(wildcards):
    """The comparisons of the studies of which something is committed; an error if there is none."""
    kept = [name for name in LISTED if Path(COMMITTED, name, "SHA256SUMS").is_file()]
    if not kept:
        raise WorkflowError(f"{COMMITTED} has nothing of {', '.join(LISTED)}; `make keep-reference` adds it")
    return expand(rules.compare.output, study=kept)
