"""Draw images as the networks receive them."""

from pathlib import Path

from distillation.core import logs
from distillation.data import datasets
from distillation.pages.figures import inputs, style

logs.to_file_and_stderr(snakemake.log[0])
arrays = datasets.load(Path(snakemake.input.arrays), Path(snakemake.input.manifest))
count = snakemake.params.images
figure = inputs.draw(
    title=snakemake.params.title,
    note=snakemake.params.note,
    images=arrays.test_images[:count],
    names=[arrays.classes[label] for label in arrays.test_labels[:count]],
    resolutions=snakemake.params.resolutions,
    padding=snakemake.params.padding,
    seed=snakemake.params.seed,
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
