"""How long every training of the described protocol would take here, from measured steps."""

from collections.abc import Iterator

import torch
from irkd.study import Study

from bench import cases, measure
from bench.engine_loop import EngineLoop, teacher_of

_ROUNDS = 1


def rows(config: dict, resolved: Study, device: torch.device) -> Iterator[dict]:
    """A row a run and resolution, views included, validation not; executed as the configuration says.

    `run_seconds` is the time of all epochs of the run at that resolution.
    """
    for case, role, epochs in cases.projected(resolved, device):
        loop = EngineLoop(
            case.run,
            teacher_of(case, device),
            *case.data(device),
            device,
            config["execution"]["cuda_graphs"],
        )
        timing = measure.interleaved({"ours": loop.epoch}, _ROUNDS, device)["ours"]
        images = cases.training_images(config, case.run.dataset)
        # The last batch of an epoch is smaller, but takes as long.
        batches = -(-images // case.run.batch_size)
        yield {
            "part": "projection",
            "case": case.name,
            "way": f"{role}, {case.resolution} px",
            "precision": case.run.precision,
            "batch": case.run.batch_size,
            "steps": case.steps,
            "seconds": timing.median,
            "images_per_second": case.images / timing.median,
            "memory_mb": None if timing.memory is None else timing.memory / 1e6,
            "run_seconds": timing.median / case.steps * batches * epochs,
        }
