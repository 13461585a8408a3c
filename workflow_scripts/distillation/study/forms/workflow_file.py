"""The typed form of `config.yaml`: which studies to run, where and how; free of torch."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from distillation.core.settings import Count, Distinct, Flag, Id, Words, said, settings
from distillation.data.dataset_settings import FormatName, Sources


def _usable(path: str) -> str:
    # Snakemake takes paths as they are, and what it finds in braces for wildcards.
    if path.startswith("~"):
        raise said("begins with ~, which stands for no folder here; write the whole path")
    if found := sorted(set(path) & set("{}<>")):
        raise said(f"has {' and '.join(found)}, which Snakemake does not take as text; name another folder")
    return path


Folder = Annotated[Words, AfterValidator(_usable)]


@settings
class Paths:
    """Where generated and kept files are."""

    results: Folder = Field(description="Folder of every generated file but the downloads.")
    downloads: Folder = Field(description="Folder of the data sets as downloaded.")
    reference: Folder = Field(
        "results/reference", description="Folder of the kept evidence, relative to the repository."
    )
    rebuilt: Folder = Field(
        "results/rebuilt", description="Folder of the pages made anew from that evidence."
    )


def _no_number(value: object) -> object:
    # 1 equals True.
    if isinstance(value, int) and not isinstance(value, bool):
        raise said("must be auto, true or false")
    return value


@settings
class Execution:
    """How runs are executed; not part of their hash."""

    device: Literal["cuda", "cpu"] = Field(description="Where networks are trained and evaluated.")
    threads: Count = Field(description="CPU threads of one training.")
    cuda_graphs: Annotated[Literal["auto", True, False], BeforeValidator(_no_number)] = Field(
        description="Whether a GPU replays each training step as one CUDA graph; with auto if the results are"
        " bit-identical."
    )
    slow_bf16: Flag = Field(description="Whether bf16 may be trained on a CPU without instructions for it.")
    tensorboard: Flag = Field(
        False,
        description="Whether trainings write their history for TensorBoard too, in `events/` of their"
        " folders.",
        examples=[True],
    )


@settings
class WorkflowFile:
    """What to run, where and how. Anything else in the file is a study's name and what differs in it."""

    studies: Annotated[tuple[Id, ...], Field(min_length=1), *Distinct] = Field(
        description="Studies to run, each a folder with a `study.yaml`."
    )
    on_request: Annotated[tuple[Id, ...], *Distinct] = Field(
        (), description="Further studies, each run only if its own target is named; `all` leaves them out."
    )
    pathvars: Paths = Field()
    execution: Execution = Field()
    sources: dict[FormatName, Sources] = Field(
        description="Where the files of the data sets come from, by format; tried in order, the first that"
        " works is used."
    )
