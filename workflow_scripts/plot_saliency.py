"""Draw saliency maps of a student and its teacher."""

from pathlib import Path

from distillation.core import logs
from distillation.data import datasets
from distillation.pages.figures import saliency, style

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
arrays = datasets.load(Path(snakemake.input.arrays), Path(snakemake.input.manifest))
count = snakemake.params.images
figure = saliency.draw(
    title=snakemake.params.title,
    note=snakemake.params.note,
    run=snakemake.params.run,
    control=snakemake.params.control,
    labels=snakemake.params.labels,
    protocols=snakemake.params.protocols,
    records=dict(zip(runs, map(Path, snakemake.input.records), strict=True)),
    images=arrays.test_images[:count],
    names=[arrays.classes[label] for label in arrays.test_labels[:count]],
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
