# Where the files of trainings are, and which of them are shown: those of this workflow's results; no rules.
RUN = f"<results>/{STUDY.name}/runs/{{protocol}}/{{run}}/seed-{{seed}}"
EVALUATION = f"<results>/{STUDY.name}/evaluation/{{protocol}}/{{run}}/seed-{{seed}}.json"
SELECTION = Selection(STUDY, config)
