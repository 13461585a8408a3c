"""The exponential moving average of a network's weights over its training.

After every update of the network, an averaged weight becomes `decay` times itself plus 1 - `decay` times the
trained weight (averages of iterates: Polyak and Juditsky 1992; in this form: Tarvainen and Valpola 2017).
"""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


def start(model: nn.Module) -> nn.Module:
    """The average before the first update: a frozen copy of a network, in evaluation mode.

    It shares the network's counts, such as those of batches.

    Args:
        model: the network in training, on its device.
    """
    counts = {id(buffer): buffer for buffer in model.buffers() if not buffer.is_floating_point()}
    return copy.deepcopy(model, counts).eval().requires_grad_(False)


def follow(average: nn.Module, model: nn.Module, optimizer: torch.optim.Optimizer, decay: float) -> None:
    """Update an average after each step of an optimizer.

    Args:
        average: see `start`.
        model: the network in training.
        optimizer: of the network's parameters, or of some of them.
        decay: share of the average that each update keeps, between 0 and 1.
    """
    averaged, trained = list(_values(average)), list(_values(model))
    # torch's AveragedModel has a counter for which each update would wait for the GPU.
    update = get_ema_multi_avg_fn(decay)
    optimizer.register_step_post_hook(lambda *_: update(averaged, trained, None))


def _values(network: nn.Module) -> Iterator[Tensor]:
    """Parameters and, so that they fit these, the running statistics of batch norms."""
    yield from network.parameters()
    yield from (buffer for buffer in network.buffers() if buffer.is_floating_point())
