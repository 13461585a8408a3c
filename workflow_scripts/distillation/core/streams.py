"""Random streams: one for each purpose and epoch, all derived from the seed of the run.

Each epoch has its own streams, so a resumed run needs no generator state. Each purpose has its own, so
runs that differ in one purpose share the streams of the others, and rows of a table can be paired by seed.
"""

import hashlib

import numpy as np
import torch


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed for one purpose of a run, a pure function of its arguments."""
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str | int) -> torch.Generator:
    """A CPU generator for one purpose; CPU, so that the numbers do not depend on the device."""
    return torch.Generator().manual_seed(derive(seed, *names))


def numpy_generator(seed: int, *names: str | int) -> np.random.Generator:
    """Like `generator`, for distributions that torch cannot sample with a given generator."""
    return np.random.default_rng(derive(seed, *names))
