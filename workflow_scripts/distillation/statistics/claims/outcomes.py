"""Outcomes of one training, reproduced or published, read from small files only."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from distillation.core import finished_runs
from distillation.statistics import evaluations
from distillation.statistics.evaluations import Evaluation
from distillation.statistics.quantities import Percentage, Share, Unknown


@dataclass(frozen=True)
class Agreement:
    """Correlation of student's and teacher's saliency maps at one moment, by pair of layers."""

    kind: str
    by_layers: Mapping[tuple[int, int], float]


@dataclass(frozen=True)
class Reproduced:
    """A training of this study, read from its evaluation, history.csv and run.json.

    Statistics may use the members that it shares with `Published`.
    """

    evaluation_file: Path
    history_file: Path
    record_file: Path

    @functools.cached_property
    def _evaluation(self) -> Evaluation:
        return evaluations.read(self.evaluation_file)

    @functools.cached_property
    def _record(self) -> dict:
        return finished_runs.record(self.record_file)

    @property
    def teacher_seed(self) -> int:
        """Seed of the teacher of a run that has one."""
        return self._record["spec"]["teacher"]["seed"]

    def accuracy(self) -> Share:
        """Test accuracy of the weights that the protocol selects."""
        return self._evaluation.accuracy()

    def accuracy_at(self, view: str, resolution: int) -> Share:
        """The same for images shown in a view ("scale" or "crop") at a resolution in pixels."""
        return self._evaluation.by_resolution(view)[resolution]

    @functools.cached_property
    def _history(self) -> list[dict[str, str]]:
        rows = finished_runs.history(self.history_file)
        if not rows[-1]["val_acc"]:
            raise Unknown("no validation images")
        return rows

    def overfit(self) -> float:
        """Training minus validation accuracy in the last epoch, in percentage points."""
        last = self._history[-1]
        return float(last["train_acc"]) - float(last["val_acc"])

    def transition_gain(self, resolution: int) -> float:
        """Validation accuracy in the first epoch of a stage minus that in the epoch before it, in points."""
        for before, row in pairwise(self._history):
            if int(row["stage_px"]) == resolution != int(before["stage_px"]):
                return float(row["val_acc"]) - float(before["val_acc"])
        raise Unknown(f"no stage before one of {resolution} px")

    def flops_to(self, accuracy: float) -> float:
        """FLOPs until the validation accuracy (percent) at the last stage's resolution first reaches one.

        Those of a stage are shared by its epochs alike.
        """
        costs = [
            stage["training_flops"] / stage["epochs"]
            for stage in self._record["stages"]
            for _ in range(stage["epochs"])
        ]
        full = self._history[-1]["stage_px"]
        for epoch, row in enumerate(self._history, start=1):
            if row["stage_px"] == full and float(row["val_acc"]) >= accuracy:
                return sum(costs[:epoch])
        raise Unknown(f"a training never reaches {accuracy:g} % validation accuracy at {full} px")

    def training_flops(self) -> float:
        """Floating-point operations of the training, its teacher's predictions included."""
        return sum(stage["training_flops"] for stage in self._record["stages"])

    def agreements(self, resolution: int | None = None) -> tuple[Agreement, Agreement]:
        """Agreement after the first epoch and after the last, of the training or of one stage.

        Args:
            resolution: of the stage, in pixels; None for the whole training.
        """
        found = self._record["saliency_agreement"]
        if found is None:
            raise Unknown("no saliency maps are recorded")
        moments = [each for each in found["moments"] if resolution in (None, each["resolution"])]
        if not moments:
            raise Unknown(f"no stage of {resolution} px")
        layers = list(zip(found["student_layers"], found["teacher_layers"], strict=True))
        first, last = (
            Agreement(found["kind"], dict(zip(layers, moment["correlation"], strict=True)))
            for moment in (moments[0], moments[-1])
        )
        return first, last


@dataclass(frozen=True)
class Published:
    """A run as published in the paper and its logs; raises `quantities.Unknown` for unpublished values.

    Attributes:
        run: its id.
        teacher: id of its teacher; None without one.
        table: see `published_values.accuracies`.
        reported: see `published_values.reported`.
    """

    run: str
    teacher: str | None
    table: pd.DataFrame
    reported: pd.DataFrame

    @property
    def doubts(self) -> list[str]:
        """Doubts about the value in the paper's table."""
        doubt = self.table["doubt"].get(self.run, "")
        return [f"{self.run}: {doubt}"] if doubt else []

    def accuracy(self) -> Percentage:
        """Test accuracy in the paper's table."""
        if self.run not in self.table.index:
            raise Unknown(f"no published accuracy of {self.run}")
        return Percentage(self.table.at[self.run, "accuracy"])

    def accuracy_at(self, view: str, resolution: int) -> Share:
        """Never published."""
        raise Unknown(f"no published accuracy at {resolution} px")

    def overfit(self) -> float:
        """Training minus validation accuracy in the last epoch of the released log, in percentage points."""
        own = self.reported[self.reported["run"] == self.run].set_index("quantity")["value"]
        if not {"train_last", "val_last"} <= set(own.index):
            raise Unknown(f"no log of {self.run} with both accuracies")
        return own["train_last"] - own["val_last"]

    def transition_gain(self, resolution: int) -> float:
        """Not among the published values: stages have only their best."""
        raise Unknown(f"no published accuracy of the first epoch at {resolution} px")

    def flops_to(self, accuracy: float) -> float:
        """Never published."""
        raise Unknown("no published computation")

    def training_flops(self) -> float:
        """Never published."""
        raise Unknown("no published computation")

    def agreements(self, resolution: int | None = None) -> tuple[Agreement, Agreement]:
        """Never published."""
        raise Unknown("no published agreement")
