"""The comparison of accuracy trains both loops from one start on the same images."""

import tiny_runs
import torch

from bench import accuracy, cases


def test_both_loops_learn_what_colours_tell():
    _, resolved = cases.load([cases.HOME / "studies/irkd/overlays/demo.yaml"])
    arrays = tiny_runs.arrays(train=512, validation=200)
    budget = accuracy.Budget(images=512, epochs=6, resolution=12)
    for name in accuracy.RUNS:
        theirs, ours = accuracy.compare(resolved, name, budget, [0, 1], arrays, torch.device("cpu"))
        assert len(theirs) == len(ours) == 2
        # By chance it would be one of the ten classes.
        assert min(theirs + ours) > 50
