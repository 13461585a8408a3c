"""Draw saliency maps of a student and its teacher."""

from pathlib import Path

from distillation.core import logs
from distillation.data import datasets
from distillation.pages.figures import saliency, style
from distillation.study.contents import by_run
from distillation.study.figure_contents import SaliencyFigure

logs.to_file_and_stderr(snakemake.log[0])
page = SaliencyFigure(**snakemake.params.page)
arrays = datasets.load(Path(snakemake.input.arrays), Path(snakemake.input.manifest))
figure = saliency.draw(
    page,
    records=by_run(page.runs, snakemake.input.records),
    images=arrays.test_images[: page.images],
    names=[arrays.classes[label] for label in arrays.test_labels[: page.images]],
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
