"""Evaluations of trained networks on the test set, read from the files that `evaluation.evaluate` writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from distillation.core import records
from distillation.core.errors import InputError
from distillation.statistics.quantities import Share
from distillation.statistics.training_seeds import TrainingSeed


def _seed(value: TrainingSeed | str) -> TrainingSeed:
    return value if isinstance(value, TrainingSeed) else TrainingSeed.parse(value)


# In plain values, such as the parameters of a job, a seed is its text.
AnySeed = Annotated[TrainingSeed, PlainValidator(_seed), PlainSerializer(str)]
# Protocol, run and seed.
Key = tuple[str, str, AnySeed]


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of one network on the test set.

    Attributes:
        content: of the JSON file.
    """

    content: Mapping

    @property
    def images(self) -> int:
        """Number of test images."""
        return self.content["images"]

    @property
    def selection(self) -> str:
        """The weights that the protocol reports: "last" or "best"."""
        return self.content["selection"]

    def sha256(self, weights: str) -> str:
        """SHA-256 (hex) of the evaluated file of the weights "last" or "best"."""
        return self.content["weights"][weights]["sha256"]

    def accuracy(self, weights: str | None = None) -> Share:
        """Test accuracy of the weights "last" or "best"; by default of the selected ones."""
        return Share(self.content["weights"][weights or self.selection]["correct"], self.images)

    def best_of_an_epoch(self) -> Share | None:
        """Best test accuracy of an epoch, which chose nothing; None if epochs were not tested."""
        best = self.content.get("best_test_of_an_epoch")
        return best and Share(best["correct"], best["images"])

    def by_resolution(self, view: str) -> dict[int, Share]:
        """Test accuracy of the selected weights by resolution in pixels, in one view of the images.

        Args:
            view: "scale" or "crop"; see `data.settings.Views`.
        """
        return {
            int(side): Share(correct, self.images)
            for side, correct in self.content["correct_by_view"][view].items()
        }


_AGAIN = "run the workflow again to repeat the evaluation; restore kept evidence from its archive"
_FIX = f"delete it and {_AGAIN}"
_NEEDED = frozenset({"images", "selection", "weights", "correct_by_view"})


def read(path: Path) -> Evaluation:
    """The evaluation in a JSON file.

    Raises:
        InputError: it is missing, damaged, or of another version.
    """
    content = records.read(path, _AGAIN)
    if missing := _NEEDED - content.keys():
        raise InputError(f"{path}: this evaluation lacks {', '.join(sorted(missing))}; {_FIX}.")
    return Evaluation(content)


def read_all(files: Mapping[Key, Path]) -> dict[Key, Evaluation]:
    """Evaluations in the order of their keys.

    Raises:
        InputError: one is missing, damaged, of another version or of another training.
    """
    found = {key: read(files[key]) for key in sorted(files)}
    for key, one in found.items():
        named = [one.content.get(name) for name in ("protocol", "run", "seed")]
        # Older evaluations name no training.
        if named != [None, None, None] and named != list(map(str, key)):
            raise InputError(
                f"{files[key]}: this is the evaluation of {named[1]}, {named[0]}, seed {named[2]}; {_FIX}."
            )
    return found


def of_run(evaluations: Mapping[Key, Evaluation], protocol: str, run: str) -> dict[TrainingSeed, Evaluation]:
    """The evaluations of one run, by seed."""
    return {key[2]: value for key, value in evaluations.items() if key[:2] == (protocol, run)}
