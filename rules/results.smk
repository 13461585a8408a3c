# Where the files of trainings are, and which of them are shown: those of this workflow's results; no rules.
RUN = "<results>/{study}/runs/{protocol}/{run}/seed-{seed}"
EVALUATION = "<results>/{study}/evaluation/{protocol}/{run}/seed-{seed}.json"
# Rules make these files.
TRAINED = str
SELECTIONS = {name: Selection(study) for name, study in STUDIES.items()}
