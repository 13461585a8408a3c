"""Count the FLOPs of a training in a separate process, so that the GPU does not wait for it."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from distillation.networks.families import Network
from distillation.study import spec
from distillation.study.spec import Run
from distillation.training import flops

_LOG = logging.getLogger(__name__)


def start(run: Run, teacher: Network | None, device: torch.device) -> Callable[[], list[int]]:
    """Start counting the FLOPs of a training.

    Args:
        run: the training.
        teacher: the network of its teacher, if it has one.
        device: of the training; on a CPU, which both would share, counting starts only on request.

    Returns:
        A function that waits for the result, FLOPs of one training image in each stage. If the process has
        failed, it logs the reason and counts them itself.
    """
    here = partial(flops.training_flops_by_stage, run, teacher)
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


def _result(process: subprocess.Popen, here: Callable[[], list[int]]) -> list[int]:
    output, errors = process.communicate()
    if process.returncode:
        _LOG.warning(
            "counting FLOPs again: the process failed with status %d, %s", process.returncode, errors.strip()
        )
        return here()
    return json.loads(output)


def main() -> None:
    """Count the FLOPs of the training in the argument, and print them as JSON."""
    # Trainings have priority.
    os.nice(10)
    torch.set_num_threads(1)
    request = json.loads(sys.argv[1])
    run, teacher = spec.from_mapping(request["run"]), spec.model_from_mapping(request["teacher"])
    json.dump(flops.training_flops_by_stage(run, teacher), sys.stdout)


if __name__ == "__main__":
    main()
