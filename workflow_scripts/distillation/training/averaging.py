"""The exponential moving average of a network's weights over its training.

After every update of the network, an averaged weight becomes `decay` times itself plus 1 - `decay` times the
trained weight (averages of iterates: Polyak and Juditsky 1992; in this form: Tarvainen and Valpola 2017).
"""

import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


def start(model: nn.Module) -> nn.Module:
    """The average before the first update: a frozen copy of a network, in evaluation mode.

    It has the network's own buffers, so that statistics of batch norms are always those of the last batch.

    Args:
        model: the network in training, on its device.
    """
    buffers = {id(buffer): buffer for buffer in model.buffers()}
    return copy.deepcopy(model, buffers).eval().requires_grad_(False)


def follow(average: nn.Module, model: nn.Module, optimizer: torch.optim.Optimizer, decay: float) -> None:
    """Update an average after each step of an optimizer.

    Args:
        average: see `start`.
        model: the network in training.
        optimizer: of the network's parameters, or of some of them.
        decay: share of the average that each update keeps, between 0 and 1.
    """
    averaged, trained = list(average.parameters()), list(model.parameters())
    # torch's AveragedModel has a counter for which each update would wait for the GPU.
    update = get_ema_multi_avg_fn(decay)
    optimizer.register_step_post_hook(lambda *_: update(averaged, trained, None))
