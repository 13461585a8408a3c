"""How training steps run the blocks of vision transformers: with few casts and, if fused, compiled."""

import functools
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from distillation.networks import casts
from distillation.networks.output import Output
from distillation.networks.two_passes import Passes

Weights = Mapping[str, Tensor]
Compiler = Callable[[Callable], Callable]


def compiled(function: Callable) -> Callable:
    """A form of a function whose operations between matrix products are few kernels.

    It is compiled at its first call with new shapes, one variant each; more than eight are an error.
    """
    # timm, when it is imported, raises this limit of torch's to a million.
    torch._dynamo.config.recompile_limit = 8
    # Deterministic: no kernel is chosen by its measured time, so every process compiles the same.
    return torch.compile(function, fullgraph=True, dynamic=False, options={"deterministic": True})


def forget_compiled() -> None:
    """Delete all compiled functions of this process, because other shapes follow."""
    torch.compiler.reset()


class BlockPasses:
    """Forms of the passes through a block, shared by all blocks and networks of a training.

    A network with blocks has `two_passes`, as vision transformers have.

    Args:
        bf16: whether autocast is in effect in all passes.
        compiler: makes another form of a function, such as `compiled`.
    """

    def __init__(self, bf16: bool, compiler: Compiler | None = None):
        self._bf16, self._as_they_are = bf16, compiler is None and not bf16
        self._form = functools.cache(compiler or (lambda function: function))

    def of(self, network: nn.Module) -> Callable[..., Output]:
        """A network that runs its blocks so; one without blocks as it is."""
        if self._as_they_are or not hasattr(network, "two_passes"):
            return network

        def call(*arguments: object) -> Output:
            weights, run = self._weights(network), self._form(_run)
            return network(*arguments, run_block=lambda block, stream: run(block, weights[block], stream))

        return call

    def two_passes(self, network: nn.Module, images: Tensor) -> Passes:
        """Passes of a batch for a loss of gradients; see `tangents.TwoPasses` of vision transformers."""
        return network.two_passes(images, self._weights(network), self._form)

    def _weights(self, network: nn.Module) -> dict[nn.Module, Weights]:
        if not self._bf16:
            return {block: {} for block in network.blocks}
        return dict(zip(network.blocks, casts.of_linears(network.blocks), strict=True))


def _run(block: nn.Module, weights: Weights, stream: Tensor) -> Tensor:
    return functional_call(block, weights, (stream,))
