"""The measured frame as files: bench.csv and a page."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from distillation.core.atomic import replacing
from distillation.pages import documents
from distillation.pages.documents import Document, Section

from bench.steps import GRAPHS

NONE = "none"


def write(frame: pd.DataFrame, facts: Mapping[str, str], folder: Path) -> None:
    """Write bench.csv and bench.md into a folder.

    Args:
        frame: see `bench.frame`.
        facts: by name, facts about the whole measurement: device, threads, versions, commit.
        folder: created if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "bench.csv") as temporary:
        frame.to_csv(temporary, index=False, float_format="%.6g")
    # Read back, so that the page equals the file to the last digit.
    frame = pd.read_csv(folder / "bench.csv")
    with replacing(folder / "bench.md") as temporary:
        temporary.write_text(documents.markdown(page(frame, facts)), encoding="utf-8")


def page(frame: pd.DataFrame, facts: Mapping[str, str]) -> Document:
    """The page: ratios first, then numbers of this machine."""
    sections = [_ratios(frame), _parts(frame), _absolute(frame)]
    remarks = [f"{name}: {value}" for name, value in facts.items()]
    note = "Compare ratios; absolute numbers apply to this machine only"
    return Document(f"Speed of a training step on {facts['device']}", note, sections, remarks)


def _ratios(frame: pd.DataFrame) -> Section:
    steps = frame[frame["part"] == "step"]
    rows = {}
    for case, own in steps.groupby("case", sort=False):
        ways = own.set_index(["way", "precision"])
        rows[case] = {
            "batch x steps": f"{own['batch'].iloc[0]} x {own['steps'].iloc[0]}",
            "ours / notebook": _times(ways["over_notebook"].get(("ours", "fp32"))),
            "ours bf16 / notebook": _times(ways["over_notebook"].get(("ours", "bf16"))),
            "timm / notebook": _times(own[own["way"] == "timm"]["over_notebook"].max()),
            "ours / timm": _times(ways["over_timm"].get(("ours", "fp32"))),
            "ours bf16 / timm": _times(ways["over_timm"].get(("ours", "bf16"))),
        }
        if (ways.index.get_level_values("way") == GRAPHS).any():
            rows[case] |= {
                "graphs / ours": _times(ways["over_kernels"].get((GRAPHS, "fp32"))),
                "graphs bf16 / ours bf16": _times(ways["over_kernels"].get((GRAPHS, "bf16"))),
            }
    caption = (
        "Images per second, data included, as ratios: 2 is twice as fast. Notebook: Hugging Face, Pillow and"
        " a DataLoader, fp32, as in the released notebooks. timm: its networks, task and optimizer; none for"
        " saliency, as it has no such loss. Ours: an epoch of training.learner.Learner. All at 32 px with the"
        " run's augmentation and teacher; random images and weights. Median of rounds in turns."
    )
    if (steps["way"] == GRAPHS).any():
        caption += (
            " Graphs: ours with each training step replayed as one CUDA graph (execution.cuda_graphs); the"
            " memory that a graph reserves is not in the peak memory below."
        )
    table = pd.DataFrame.from_dict(rows, orient="index")
    if not ((steps["way"] == "ours") & (steps["precision"] == "bf16")).any():
        table = table.drop(columns=["ours bf16 / notebook", "ours bf16 / timm"])
    return Section("Training steps", table, caption)


def _parts(frame: pd.DataFrame) -> Section:
    parts = frame[frame["part"].isin(("views", "class map", "attention"))]
    rows = {}
    for (_, case), own in parts.groupby(["part", "case"], sort=False):
        base, ours = own.iloc[0], own.iloc[1]
        rows[case] = {
            "compared": f"{ours['way']} / {base['way']}",
            "speed": _times(ours["over_notebook"]),
            "images": f"{ours['batch']:,} / {base['batch']:,}",
            "memory (MB)": f"{_number(ours['memory_mb'])} / {_number(base['memory_mb'])}",
        }
    caption = (
        "Ratio of images per second; memory of all images of a measurement. Views: one CPU thread, Pillow"
        " image by image; ours on the GPU if there is one. Class maps: the whole loss term with its backward"
        " pass, given the tokens. Attention: forward pass, maps and backward pass of the student."
    )
    return Section("Parts", pd.DataFrame.from_dict(rows, orient="index"), caption)


def _absolute(frame: pd.DataFrame) -> Section:
    steps = frame[frame["part"] == "step"]
    table = pd.DataFrame(
        {
            "images/s": steps["images_per_second"].map(_number),
            "ms per step": (1000 * steps["seconds"] / steps["steps"]).map(_number),
            "peak memory (MB)": steps["memory_mb"].map(_number),
            "share of the floor": (100 * steps["floor"]).map(lambda share: f"{share:.0f} %"),
        }
    )
    table.index = [f"{row.case}, {row.way} {row.precision}" for row in steps.itertuples()]
    caption = (
        "Peak memory is the memory added by the measurement. The floor is the time of the step's"
        " matrix products, counted, at the rate measured for one large product in the same precision."
    )
    return Section("This machine", table, caption)


def _times(value: float | None) -> str:
    return NONE if value is None or pd.isna(value) else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _number(value: float) -> str:
    if pd.isna(value):
        return "not measured"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
