"""Kernels and bytes of a training step on a GPU, counted without one.

The step is dispatched on tensors without data, with the casts of CUDA's autocast. Every operation that a GPU
runs is one kernel, which reads its arguments and writes its results. In a fused block, operations that
are connected, and between which there is nothing but operations on single values and rows, are one kernel.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from distillation.networks import models
from distillation.networks.block_passes import BlockPasses
from distillation.networks.families import Network
from distillation.study.spec import Run
from distillation.training.gradients import Gradients
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

_META = torch.device("meta")
# Functions that autocast runs in bf16 on CUDA, and in float32, of those that the networks call.
_IN_BF16 = {
    functional.linear,
    functional.conv2d,
    functional.scaled_dot_product_attention,
    torch.einsum,
    torch.Tensor.__matmul__,
    torch.Tensor.matmul,
    torch.matmul,
}
_IN_FLOAT32 = {functional.layer_norm, functional.softmax, torch.Tensor.softmax, torch.Tensor.sum, torch.erf}
_IN_FLOAT32 |= {torch.Tensor.exp, torch.exp, torch.Tensor.rsqrt, torch.Tensor.pow}
# Operations that launch nothing: what makes views and memory without values.
_FREE = (
    "empty",
    "new_empty",
    "view",
    "_unsafe_view",
    "_reshape_alias",
    "t",
    "transpose",
    "permute",
    "expand",
)
_FREE += ("slice", "select", "squeeze", "unsqueeze", "split", "split_with_sizes", "unbind", "detach", "alias")
_FREE += ("as_strided", "lift_fresh", "chunk", "narrow", "unflatten", "empty_like")
# Kernels of their own, which nothing is fused with: matrix products, attention, copies, scatters.
_ALONE = ("mm", "addmm", "bmm", "baddbmm", "convolution", "convolution_backward", "clone", "copy_", "cat")
_ALONE += ("stack", "slice_backward", "select_backward", "index_put", "scatter", "gather", "index")
_ALONE += ("_foreach_copy_", "max_pool2d_with_indices", "max_pool2d_with_indices_backward")


@dataclass(frozen=True)
class Count:
    """Kernels of a step, and the bytes that they read and write."""

    kernels: int
    bytes: int


@dataclass(frozen=True)
class _Operation:
    """A kernel: bytes by storage, the fused block that it belongs to, if any, and whether it stays alone."""

    reads: dict[int, int]
    writes: dict[int, int]
    block: int | None
    alone: bool


def of_step(run: Run, teacher: Network | None) -> Count:
    """Forward, loss and backward of one batch of images of full size, without the optimizer.

    Args:
        run: its settings; the blocks are fused if it is.
        teacher: network of its teacher, if it has one.
    """
    side, size = run.model.image_size, run.batch_size
    student = models.build(run.model, torch.Generator()).train().to(_META)
    guide = None
    if teacher:
        guide = models.build(teacher, torch.Generator()).eval().requires_grad_(False).to(_META)
    images = torch.empty(size, 3, side, side, device=_META)
    labels, shares = torch.zeros(size, dtype=torch.int64, device=_META), torch.ones(2, device=_META)
    recorder = _Recorder()
    gradients = _Counted(run, student, guide, recorder)
    with recorder:
        gradients(images, labels, shares, 1)
    return _count(recorder)


class _Counted(Gradients):
    """Gradients with the casts of CUDA, whose fused blocks tell the recorder where they begin and end."""

    def __init__(self, run: Run, model: nn.Module, teacher: nn.Module | None, recorder: "_Recorder"):
        super().__init__(run, model, teacher, _META)
        self._blocks = BlockPasses(run.precision == "bf16", recorder.as_block if run.fused else None)

    def _casts(self) -> AbstractContextManager:
        return _CudaAutocast() if self._precision == "bf16" else nullcontext()


class _CudaAutocast(TorchFunctionMode):
    """Casts arguments as autocast does on CUDA, and chooses the kernels of CUDA; see the lists above."""

    def __init__(self):
        super().__init__()
        self._casts: dict[int, Tensor] = {}

    def __torch_function__(
        self, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = kwargs or {}
        if function in _IN_BF16 or function in _IN_FLOAT32:
            wanted = torch.bfloat16 if function in _IN_BF16 else torch.float32
            args, kwargs = tree_map(lambda value: self._cast(value, wanted), (args, kwargs))
        if function is functional.dropout:
            return _fused_dropout(*args, **kwargs)
        if function is functional.scaled_dot_product_attention and torch.backends.cuda.flash_sdp_enabled():
            return _fused_attention(*args, **kwargs)
        return function(*args, **kwargs)

    def _cast(self, value: object, dtype: torch.dtype) -> object:
        if not isinstance(value, Tensor) or not value.is_floating_point() or value.dtype == dtype:
            return value
        if not (value.is_leaf and value.requires_grad):
            return value.to(dtype)
        # Autocast casts a parameter once.
        return self._casts.setdefault(id(value), value.to(dtype))


def _fused_dropout(values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    return torch.native_dropout(values, p, True)[0] if training and p else values


def _fused_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: None = None, dropout_p: float = 0.0, **_: object
) -> Tensor:
    if query.dtype == torch.bfloat16:
        return torch.ops.aten._scaled_dot_product_flash_attention(query, key, value, dropout_p)[0]
    whole = (None, torch.is_grad_enabled(), dropout_p)
    return torch.ops.aten._scaled_dot_product_efficient_attention(query, key, value, *whole)[0]


class _Recorder(TorchDispatchMode):
    """Keeps every operation that is dispatched and launches a kernel."""

    def __init__(self):
        super().__init__()
        self.operations: list[_Operation] = []
        # While a reference is held, the number of a storage is not given to another one.
        self.storages: dict[int, StorageWeakRef] = {}
        self._block: int | None = None
        self._numbers = itertools.count()

    def __torch_dispatch__(
        self, operation: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        result = operation(*args, **(kwargs or {}))
        name = operation.overloadpacket.__name__
        if name not in _FREE:
            alone = name in _ALONE or name.startswith("_scaled_dot_product") or _sums_columns(name, args)
            reads, writes = self._sizes((args, kwargs)), self._sizes(result)
            self.operations.append(_Operation(reads, writes, self._block, alone))
        return result

    def _sizes(self, values: object) -> dict[int, int]:
        sizes: dict[int, int] = {}
        for value in tree_leaves(values):
            if isinstance(value, Tensor):
                reference = StorageWeakRef(value.untyped_storage())
                self.storages.setdefault(reference.cdata, reference)
                sizes[reference.cdata] = max(sizes.get(reference.cdata, 0), value.numel() * value.itemsize)
        return sizes

    def as_block(self, function: Callable) -> Callable:
        """A function whose operations, with those of its backward pass, are marked as a fused block's."""

        def marked(*args: object) -> object:
            forward, backward = next(self._numbers), next(self._numbers)
            self._block = forward
            results = function(*args)
            self._block = None
            for value in _differentiable(results):
                value.register_hook(lambda _: self._enter(backward))
            for value in _differentiable(args):
                value.register_hook(lambda _: self._leave(backward))
            return results

        return marked

    def _enter(self, block: int) -> None:
        self._block = block

    def _leave(self, block: int) -> None:
        # The block before may have been entered already, as it ends where this one begins.
        if self._block == block:
            self._block = None


def _differentiable(values: object) -> Iterator[Tensor]:
    tensors = (value for value in tree_leaves(values) if isinstance(value, Tensor))
    return (value for value in tensors if value.requires_grad)


def _sums_columns(name: str, args: tuple) -> bool:
    """Whether an operation is a sum over images or tokens, such as the gradient of a bias."""
    if name != "sum" or len(args) < 2:
        return False
    return any(dim % args[0].ndim != args[0].ndim - 1 for dim in args[1])


def _count(recorder: _Recorder) -> Count:
    operations = recorder.operations
    last_read = {key: index for index, each in enumerate(operations) for key in each.reads}
    alive = {key for key, reference in recorder.storages.items() if not reference.expired()}
    kernels = moved = 0
    for group in _kernels(operations):
        reads: dict[int, int] = {}
        writes: dict[int, int] = {}
        for index in group:
            for key, size in operations[index].reads.items():
                if key not in writes:
                    reads[key] = max(size, reads.get(key, 0))
            writes |= operations[index].writes
        # What only this kernel reads stays in its registers.
        leaving = (
            key for key in writes if key in reads or key in alive or last_read.get(key, -1) > group[-1]
        )
        kernels += 1
        moved += sum(reads.values()) + sum(writes[key] for key in leaving)
    return Count(kernels, moved)


def _kernels(operations: Sequence[_Operation]) -> Iterator[list[int]]:
    """Indices of the operations that are one kernel together, in the order of their last ones."""
    blocks: dict[int, list[int]] = {}
    groups: list[list[int]] = []
    for index, each in enumerate(operations):
        if each.block is None:
            groups.append([index])
        else:
            blocks.setdefault(each.block, []).append(index)
    for own in blocks.values():
        groups += _fused([operations[index] for index in own], own)
    return iter(sorted(groups, key=lambda group: group[-1]))


def _fused(operations: Sequence[_Operation], indices: Sequence[int]) -> list[list[int]]:
    """The operations of a block, each with those whose values it needs, unless others must run between."""
    readers: list[set[int]] = [set() for _ in operations]
    kernel = [[number] for number in range(len(operations))]
    written: dict[int, int] = {}
    for number, each in enumerate(operations):
        for key in each.reads.keys() & written.keys():
            readers[written[key]].add(number)
        written |= dict.fromkeys(each.writes, number)
    for source, targets in enumerate(readers):
        for target in sorted(targets):
            first, second = kernel[source], kernel[target]
            apart = operations[source].alone or operations[target].alone or first is second
            if not apart and not _needs_another_between(first, second, kernel, readers):
                for member in second:
                    kernel[member] = first
                first.extend(second)
    unique = {id(members): members for members in kernel}
    return [sorted(indices[number] for number in members) for members in unique.values()]


def _needs_another_between(
    first: list[int], second: list[int], kernel: Sequence[list[int]], readers: Sequence[set[int]]
) -> bool:
    """Whether a kernel that reads of the first must run before the second."""
    seen: set[int] = set()
    waiting = [reader for member in first for reader in readers[member]]
    waiting = [number for number in waiting if kernel[number] is not first and kernel[number] is not second]
    while waiting:
        for member in kernel[waiting.pop()]:
            for reader in readers[member] - seen:
                if kernel[reader] is second:
                    return True
                if kernel[reader] is not first:
                    seen.add(reader)
                    waiting.append(reader)
    return False
