"""A function of tensors recorded once as a CUDA graph, to be replayed without Python between its kernels."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Literal, NoReturn

import torch
from torch import Tensor

from distillation.core import logs
from distillation.core.errors import UserError

# Whether training steps are replayed: as asked for, or as a comparison of bits turns out.
CudaGraphs = bool | Literal["auto"]

# Libraries are loaded and gradients exist after the first call; torch's own recipe takes three.
_WARM_UP = 3
# Set in the environment of a process that has started again; see `start_again_without_graphs`.
_WITHOUT_GRAPHS = "TRAINING_WITHOUT_CUDA_GRAPHS"


def possible(device: torch.device) -> bool:
    """Whether a device has CUDA graphs."""
    return device.type == "cuda"


def start_again_without_graphs(failure: str) -> NoReturn:
    """Replace this process by a fresh one with the same arguments, to which `graphs_given_up` tells why.

    After a recording has failed, a process cannot rely on its CUDA context and random generators. Locks are
    released; a checkpoint is what the fresh process goes on from.

    Args:
        failure: why a step could not be recorded.
    """
    environment = {**os.environ, _WITHOUT_GRAPHS: failure or "unknown", logs.GOES_ON: "1"}
    os.execve(sys.executable, sys.orig_argv, environment)


def graphs_given_up() -> str | None:
    """Why a recording failed in the process whose place this one has taken; None if it took none's."""
    return os.environ.get(_WITHOUT_GRAPHS)


class RecordingError(UserError):
    """A function that CUDA cannot record; what this process does on the GPU from then on is not certain."""


class Recording:
    """What a function does on the GPU, for other values of its arguments in tensors of the same shapes.

    The function must not look at values on the host. Tensors that it changes are changed again by every
    replay, and random numbers go on from the state of the device at that time, as they would without.

    Args:
        function: called four times, so that all that it changes is changed as often.
        arguments: tensors on one GPU.

    Raises:
        RecordingError: when CUDA cannot record what the function does, or has no memory left for it.
    """

    def __init__(self, function: Callable[..., None], arguments: Sequence[Tensor]):
        self._places = [argument.clone() for argument in arguments]
        device = self._places[0].device
        try:
            aside = torch.cuda.Stream(device)
            aside.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(aside):
                for _ in range(_WARM_UP):
                    function(*self._places)
            torch.cuda.current_stream(device).wait_stream(aside)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                function(*self._places)
        except RuntimeError as error:
            cause = _first(error)
            if not isinstance(cause, Exception):
                # A signal came while the step was recorded.
                raise cause from None
            raise RecordingError(
                f"a training step cannot be recorded as a CUDA graph on this GPU ({cause}); set"
                " `execution: {cuda_graphs: false}` in the configuration."
            ) from cause

    def __call__(self, *arguments: Tensor) -> None:
        """Replay with the values of these arguments."""
        for place, argument in zip(self._places, arguments, strict=True):
            place.copy_(argument)
        self._graph.replay()


def _first(error: BaseException) -> BaseException:
    """What went wrong first; the end of a recording that has failed raises an error of its own."""
    while error.__context__ is not None:
        error = error.__context__
    return error
