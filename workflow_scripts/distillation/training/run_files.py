"""The files of a finished run, among them its record, run.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from distillation.core import checksums, records


@dataclass(frozen=True)
class Outputs:
    """The files of a run; `saliency` if and only if it records maps, see `Run.maps_beside`."""

    last: Path
    best: Path
    history: Path
    record: Path
    saliency: Path | None = None

    def files(self) -> dict[str, Path]:
        """Paths by name, the record last: once it exists, the others are complete."""
        paths = {"last": self.last, "best": self.best, "history": self.history}
        if self.saliency:
            paths["saliency"] = self.saliency
        return {**paths, "record": self.record}


def write_record(
    outputs: Outputs,
    identity: Mapping[str, object],
    parts: Mapping[str, str | None],
    weights: Mapping[str, Mapping],
    parameters: int,
    inference_flops: int,
    saliency_agreement: Mapping | None,
    teacher_test: Mapping[str, int] | None,
    best_test: Mapping[str, int] | None,
    stages: Sequence[Mapping],
    sessions: Sequence[Mapping],
) -> None:
    """Write run.json, after the other files.

    Args:
        outputs: the files.
        identity: study, protocol, run, role, seed and all settings.
        parts: SHA-256 of everything that determines the result, by name.
        weights: global epoch and validation accuracy (percent) of "last" and "best"; without validation
            images both are the last, and the accuracy is None.
        parameters: number of parameters of the network, all of them trained.
        inference_flops: FLOPs to classify one image at full resolution.
        saliency_agreement: see `saliency_agreement.summary`; None without maps.
        teacher_test: test images that the teacher gets right ("correct"), of how many ("images"), measured
            before the training with the student's views; None without a teacher.
        best_test: the best test accuracy of an epoch, which chooses nothing; see `history.best_test`.
        stages: cost of each stage; see `history.costs`.
        sessions: the processes that trained the run; see `sessions.session`.
    """
    paths = outputs.files()
    content = {
        **identity,
        "sha256": dict(parts),
        "weights": {name: own | {"sha256": checksums.sha256(paths[name])} for name, own in weights.items()},
        "files": {name: checksums.sha256(paths[name]) for name in ("history", "saliency") if name in paths},
        "parameters": parameters,
        "inference_flops": inference_flops,
        "saliency_agreement": saliency_agreement,
        "teacher_test": teacher_test,
        **({"best_test": best_test} if best_test else {}),
        "stages": list(stages),
        "sessions": list(sessions),
    }
    records.write(outputs.record, content)
