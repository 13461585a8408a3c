"""Operations of a training, counted by a process of its own while a GPU trains: no GPU waits for it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from irkd import cost, spec
from irkd.spec import Model, Run


def start(run: Run, teacher: Model | None, device: torch.device) -> Callable[[], dict[int, int]]:
    """Begin to count the FLOPs of a training.

    Args:
        run: the training.
        teacher: the network of its teacher, if it has one.
        device: that trains; on a CPU, which would be shared, the counting begins when it is asked for.

    Returns:
        A function that waits for them: FLOPs of one training image by resolution. It raises RuntimeError,
        with what it said, when the process has failed.
    """
    if device.type == "cpu":
        return partial(cost.training_flops_by_resolution, run, teacher)
    request = json.dumps({"run": spec.to_mapping(run), "teacher": spec.model_to_mapping(teacher)})
    library = Path(__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        env={**os.environ, "PYTHONPATH": str(library)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    process.stdin.write(request)
    process.stdin.close()
    process.stdin = None
    return partial(_result, process)


def _result(process: subprocess.Popen) -> dict[int, int]:
    said, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"counting operations failed with status {process.returncode}: {errors}")
    return {int(resolution): flops for resolution, flops in json.loads(said).items()}


def main() -> None:
    """Count what standard input asks for."""
    # Beside the trainings, not before them.
    os.nice(10)
    torch.set_num_threads(1)
    request = json.load(sys.stdin)
    run, teacher = spec.from_mapping(request["run"]), spec.model_from_mapping(request["teacher"])
    json.dump(cost.training_flops_by_resolution(run, teacher), sys.stdout)


if __name__ == "__main__":
    main()
