"""Write the outcome of each claim as csv, markdown, LaTeX and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import claims
from distillation.statistics.claims.outcomes import Reproduced

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
inputs = snakemake.input
claims.write(
    stated=claims.Stated(
        claims=snakemake.params.claims,
        teachers=snakemake.params.teachers,
        taught_by={(protocol, run): (of, by) for protocol, run, of, by in snakemake.params.taught_by},
        note=snakemake.params.note,
        no_verdict=snakemake.params.no_verdict,
    ),
    protocols=snakemake.params.protocols,
    outcomes={
        run: Reproduced(*map(Path, files))
        for run, *files in zip(runs, inputs.evaluations, inputs.histories, inputs.records, strict=True)
    },
    accuracies=Path(inputs.accuracies),
    reported=Path(inputs.reported),
    files={form: Path(path) for form, path in snakemake.output.items()},
)
