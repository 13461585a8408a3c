"""Draw images as the networks receive them."""

from pathlib import Path

from distillation.core import logs
from distillation.data import datasets
from distillation.pages.figures import inputs, style
from distillation.study.figure_contents import InputsFigure

logs.to_file_and_stderr(snakemake.log[0])
page = InputsFigure(**snakemake.params.page)
arrays = datasets.load(Path(snakemake.input.arrays), Path(snakemake.input.manifest))
figure = inputs.draw(
    page,
    images=arrays.test_images[: page.images],
    names=[arrays.classes[label] for label in arrays.test_labels[: page.images]],
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
