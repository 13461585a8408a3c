"""Operations of a training, counted by a process of its own while a GPU trains: no GPU waits for it."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from distillation.networks import flops
from distillation.study import spec
from distillation.study.spec import Model, Run

_LOG = logging.getLogger(__name__)


def start(run: Run, teacher: Model | None, device: torch.device) -> Callable[[], dict[int, int]]:
    """Begin to count the FLOPs of a training.

    Args:
        run: the training.
        teacher: the network of its teacher, if it has one.
        device: that trains; on a CPU, which would be shared, the counting begins when it is asked for.

    Returns:
        A function that waits for them: FLOPs of one training image by resolution. If the process has failed
        it logs why and counts them itself.
    """
    here = partial(flops.training_flops_by_resolution, run, teacher)
    if device.type == "cpu":
        return here
    request = json.dumps({"run": spec.to_mapping(run), "teacher": spec.model_to_mapping(teacher)})
    places = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, request],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    return partial(_result, process, here)


def _result(process: subprocess.Popen, here: Callable[[], dict[int, int]]) -> dict[int, int]:
    said, errors = process.communicate()
    if process.returncode:
        _LOG.warning("counting operations again: status %d, %s", process.returncode, errors.strip())
        return here()
    return {int(resolution): flops for resolution, flops in json.loads(said).items()}


def main() -> None:
    """Count what the argument asks for, and print it."""
    # Beside the trainings, not before them.
    os.nice(10)
    torch.set_num_threads(1)
    request = json.loads(sys.argv[1])
    run, teacher = spec.from_mapping(request["run"]), spec.model_from_mapping(request["teacher"])
    json.dump(flops.training_flops_by_resolution(run, teacher), sys.stdout)


if __name__ == "__main__":
    main()
