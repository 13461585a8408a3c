"""Saliency maps of student and teacher, and their correlation during training."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor
from torchvision.transforms.v2.functional import center_crop

from distillation.core.errors import UserError
from distillation.evaluation.saliency_agreement import Moment, name, read
from distillation.evaluation.saliency_agreement import moments as moments_of
from distillation.pages.absent import NOT_RUN
from distillation.pages.figures import curves, inputs, legends, lettering, style
from distillation.study.contents import Key
from distillation.study.figure_contents import SaliencyFigure

_MAP = "viridis"
# Fraction of a cell of the grid that a map fills, and the height of a row in widths of a column.
_FILL, _ROW = 0.92, 1.3
# Inches for the resolution beside a row.
_LABEL = 0.36


@style.styled
def draw(page: SaliencyFigure, records: Mapping[Key, Path], images: Tensor, names: Sequence[str]) -> Figure:
    """Maps at the first and last epoch of each stage, and their correlation (paper, Figure 5).

    The paper shows another random crop in every row and the map of one fixed class. This figure shows
    the same test images throughout, in the validation view, and maps of their true class in the last
    layer compared.
    The maps are those of the first protocol and its first seed. The panel below shows the mean
    correlation over the recorded images and, as a band, its range over seeds.

    Args:
        page: what the figure shows; solid lines are those of its first protocol.
        records: saliency.npz by protocol, run and seed; a run without one is listed as not run.
        images: uint8 [N, 3, S, S], the first recorded images; N maps are shown.
        names: class name of each image.

    Raises:
        UserError: the last recorded layers of the run and of its control differ.
    """
    shown = sorted(key for key in records if key[1] == page.run and key[0] == next(iter(page.protocols)))
    record = read(records[shown[0]]) if shown else None
    moments = moments_of(record) if shown else []
    stages = sorted({(stage, side) for stage, side, _ in moments})
    columns = 5 if any(len(_epochs(moments, stage)) > 1 for stage, _ in stages) else 3
    width = (style.DOUBLE - 1.3) / len(images) if len(images) > 1 else style.SINGLE
    unit = (width - _LABEL) / columns
    height = unit * _ROW * max(1, len(stages)) + 0.2
    labels = [
        page.labels[run] + each.suffix
        for each in style.protocol_styles(page.protocols)
        for run in (page.run, page.control)
    ]
    curves_height = 1.9 + legends.further(labels, style.DOUBLE) * lettering.SMALL_LINE
    figure = style.new(page.title, page.note, style.DOUBLE, height + 0.6 + curves_height)
    above, below = figure.subfigures(2, 1, height_ratios=(height + 0.5, curves_height))
    grid = above.subplots(1, len(images), squeeze=False)[0]
    for index, axis in enumerate(grid):
        axis.set_axis_off()
        axis.set_title(f"test image {index}: {names[index]}")
        if record is None:
            style.absent(
                axis, lettering.lines(f"{page.labels[page.run]}: {NOT_RUN}", width, lettering.HEADING)
            )
            continue
        pictures = {side: _picture(record, images[index], side) for _, side in stages}
        drawn = _maps(axis, record, moments, index, pictures, columns)
        axis.set(xlim=(-_LABEL / unit, columns), ylim=(len(stages) * _ROW - 0.05, -0.25), aspect="equal")
    if record is not None:
        above.colorbar(
            drawn, ax=list(grid), shrink=0.5, aspect=30, label="saliency, from least to largest of each map"
        )
    _agreement(below.subplots(), page, records)
    return figure


def agreement(files: Sequence[Path]) -> pd.DataFrame:
    """Mean correlation over the recorded images in the last layer compared, by epoch of the training.

    Args:
        files: saliency.npz, one per seed.

    Returns:
        Columns mean, min and max over seeds.
    """
    return curves.over_seeds(map(_correlations, files))


def _correlations(path: Path) -> pd.Series:
    record = read(path)
    moments = moments_of(record)
    ends = {stage: max(_epochs(moments, stage)) for stage, _, _ in moments}
    values = {
        sum(end for other, end in ends.items() if other < moment.stage) + moment.epoch: record[
            name(moment, "correlation")
        ][-1].mean()
        for moment in moments
    }
    return pd.Series(values)


def _picture(record: Mapping[str, np.ndarray], image: Tensor, side: int) -> np.ndarray:
    """An image in the view of the recorded maps: its centre at full scale, or the whole image scaled."""
    if record["view"] == "crop":
        image = center_crop(image, [side, side])
    return inputs.pixels(image[None], side)[0]


def _epochs(moments: Sequence[Moment], stage: int) -> list[int]:
    return [epoch for of, _, epoch in moments if of == stage]


def _maps(
    axis: Axes,
    record: Mapping[str, np.ndarray],
    moments: Sequence[Moment],
    index: int,
    pictures: Mapping[int, np.ndarray],
    columns: int,
) -> AxesImage:
    """Draw one row per stage: the image, then maps of student and teacher at its first and last epoch."""
    stages = sorted({(stage, side) for stage, side, _ in moments})
    for row, (stage, side) in enumerate(stages):
        top = row * _ROW
        _place(axis, pictures[side], 0, top)
        axis.text(-0.1, top + _FILL / 2, f"{side} px", ha="right", va="center", fontsize=lettering.SMALL)
        first, last = _epochs(moments, stage)[0], _epochs(moments, stage)[-1]
        for pair, epoch in enumerate((last,) if columns == 3 else (first, last)):
            moment = Moment(stage, side, epoch)
            left = 1 + 2 * pair
            for offset, who in enumerate(("student", "teacher")):
                drawn = _place(axis, record[name(moment, who)][-1, index], left + offset, top)
            text = f"epoch {epoch}: r = {record[name(moment, 'correlation')][-1, index]:.2f}"
            middle = left + (1 + _FILL) / 2
            axis.text(middle, top + _FILL + 0.05, text, ha="center", va="top", fontsize=lettering.SMALL)
    for column, heading in enumerate(("image", *("student", "teacher") * (columns // 2))):
        axis.text(column + _FILL / 2, -0.06, heading, ha="center", va="bottom", fontsize=lettering.SMALL)
    return drawn


def _place(axis: Axes, image: np.ndarray, column: int, top: float) -> AxesImage:
    extent = (column, column + _FILL, top + _FILL, top)
    return axis.imshow(image, extent=extent, vmin=0, vmax=1, cmap=_MAP)


def _agreement(axis: Axes, page: SaliencyFigure, records: Mapping[Key, Path]) -> None:
    pair = page.run, page.control
    stages: dict[int, tuple[int, int]] = {}
    layers: dict[str, set[tuple[int, int]]] = {}
    for protocol_style in style.protocol_styles(page.protocols):
        for run, colour in zip(pair, style.COLOURS, strict=False):
            files = curves.of_run(records, protocol_style.protocol, run)
            named = lettering.entry(page.labels[run]) + protocol_style.suffix
            if not files:
                curves.without_curve(axis, named, colour, protocol_style.line)
                continue
            seeds = agreement(files)
            label = f"{named}: {seeds['mean'].iloc[-1]:.2f} at the end"
            curves.band(axis, seeds, label, colour, protocol_style)
            record = read(files[0])
            last = int(record["student_layers"][-1]), int(record["teacher_layers"][-1])
            layers.setdefault(protocol_style.protocol, set()).add(last)
            for stage, side, epoch in moments_of(record):
                stages.setdefault(stage, (side, epoch))
                stages[stage] = (side, max(stages[stage][1], epoch))
    for compared in layers.values():
        if len(compared) > 1:
            raise UserError(
                f"{pair[0]} and {pair[1]} recorded maps of different last layers (student's and teacher's"
                f" blocks {sorted(compared)}); name a control with the same network."
            )
    curves.epoch_axis(axis)
    axis.set_ylabel("correlation of student\nand teacher maps")
    if stages:
        axis.set_ylim(1.1 * min(0.0, axis.dataLim.y0) - 0.02, 1.0)
        axis.axhline(0.0, color="black", linewidth=0.6)
        curves.mark_stages(axis, [stages[stage] for stage in sorted(stages)])
    else:
        style.absent(axis, NOT_RUN)
    legends.below(axis, style.DOUBLE)
