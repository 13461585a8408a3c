"""Write which training each number in the tables comes from, as csv, markdown and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import provenance_index, tables

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
files = {form: Path(path) for form, path in snakemake.output.items()}
provenance_index.write(
    tables={table: tables.TableLayout(**layout) for table, layout in snakemake.params.tables.items()},
    protocols=snakemake.params.protocols,
    taught_by={(protocol, run): (of, teacher) for protocol, run, of, teacher in snakemake.params.taught_by},
    absent=snakemake.params.absent,
    records=dict(zip(runs, map(Path, snakemake.input.records), strict=True)),
    evaluations=dict(zip(runs, map(Path, snakemake.input.evaluations), strict=True)),
    # <results>/<study>/runs/<protocol>/<run>/<seed>/run.json, wherever the evidence lies.
    results=next((Path(record).parents[5] for record in snakemake.input.records), Path()),
    note=snakemake.params.note,
    files=files,
)
