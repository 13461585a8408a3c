"""Record a function of tensors as a CUDA graph and replay it without Python between its kernels."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Literal, NoReturn

import torch
from torch import Tensor

from distillation.core import logs
from distillation.core.errors import UserError

# Whether training steps are replayed; "auto" decides by a comparison of bits.
CudaGraphs = bool | Literal["auto"]

# The first call loads libraries and creates gradients; torch's documentation recommends three calls.
_WARM_UP = 3
# Environment variable of a restarted process; see `start_again_without_graphs`.
_WITHOUT_GRAPHS = "TRAINING_WITHOUT_CUDA_GRAPHS"


def possible(device: torch.device) -> bool:
    """Whether a device supports CUDA graphs."""
    return device.type == "cuda"


def start_again_without_graphs(failure: str) -> NoReturn:
    """Restart this process with the same arguments and without CUDA graphs.

    After a failed recording, a process cannot rely on its CUDA context and random generators. Locks are
    released; the new process resumes from the checkpoint.

    Args:
        failure: why a step could not be recorded; `graphs_given_up` returns it in the new process.
    """
    environment = {**os.environ, _WITHOUT_GRAPHS: failure or "unknown", logs.GOES_ON: "1"}
    os.execve(sys.executable, sys.orig_argv, environment)


def graphs_given_up() -> str | None:
    """Why a recording failed before this process was restarted; None if it was not restarted."""
    return os.environ.get(_WITHOUT_GRAPHS)


class RecordingError(UserError):
    """CUDA cannot record a function; this process can no longer rely on its state on the GPU."""


class Recording:
    """A function recorded as a CUDA graph, to be replayed with other arguments of the same shapes.

    The function must not read values of tensors on the host. Every replay changes the tensors that the
    function changes, and continues with random numbers from the device's current state, as a call would.

    Args:
        function: called four times, with its side effects each time.
        arguments: tensors on one GPU.

    Raises:
        RecordingError: if CUDA cannot record what the function does, or has no memory left for it.
    """

    def __init__(self, function: Callable[..., None], arguments: Sequence[Tensor]):
        self._inputs = [argument.clone() for argument in arguments]
        device = self._inputs[0].device
        try:
            side_stream = torch.cuda.Stream(device)
            side_stream.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(side_stream):
                for _ in range(_WARM_UP):
                    function(*self._inputs)
            torch.cuda.current_stream(device).wait_stream(side_stream)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                function(*self._inputs)
        except RuntimeError as error:
            cause = _first_error(error)
            if not isinstance(cause, Exception):
                # A signal came while the step was recorded.
                raise cause from None
            raise RecordingError(
                f"a training step cannot be recorded as a CUDA graph on this GPU ({cause}); set"
                " `execution: {cuda_graphs: false}` in the configuration."
            ) from cause

    def __call__(self, *arguments: Tensor) -> None:
        """Replay with the values of these arguments."""
        for target, argument in zip(self._inputs, arguments, strict=True):
            target.copy_(argument)
        self._graph.replay()


def _first_error(error: BaseException) -> BaseException:
    """The error that was raised first; ending a failed recording raises another one."""
    while error.__context__ is not None:
        error = error.__context__
    return error
