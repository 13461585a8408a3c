"""Logits of a vision transformer, with their derivative when the tokens that enter blocks change.

The derivative along a direction v at tokens is <g, v>, where g is the gradient of the logits with respect to
these tokens. A loss of g can so be trained without differentiating a gradient: see `networks.two_passes`.

Forward mode by hand rather than `torch.autograd.forward_ad`, whose derivatives of layer norm and softmax
cannot be differentiated correctly again (torch 2.12), and which no compiler takes.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional

from distillation.core.errors import InputError
from distillation.networks.families.vit.tokens import Tokens
from distillation.networks.output import Output

Weights = Mapping[str, Tensor]
# Maps a function to one with the same results, such as a compiled one.
Form = Callable[[Callable], Callable]
# The derivatives of layer norm (but for its weight), softmax and GELU are symmetric: the operations that map
# a gradient back also map a tangent forward. They can be differentiated themselves.
_ATEN = torch.ops.aten


class Masks(NamedTuple):
    """What dropout keeps in a block: True or False for each value, None without dropout.

    Attributes:
        attention: of the probabilities [B, heads, tokens, tokens].
        branches: of the outputs of attention and MLP, [B, tokens, width] each.
        paths: of the images that do not skip attention and MLP, [B, 1, 1] each (stochastic depth).
    """

    attention: Tensor | None
    branches: Tensor | None
    paths: Tensor | None


def draw_masks(network: nn.Module, stream: Tensor) -> list[Masks]:
    """What dropout keeps in each block of a network in training, drawn from the device's random state.

    Args:
        network: its dropout rates count if it is in training mode.
        stream: tokens [B, tokens, width].
    """
    images, tokens, _ = stream.shape

    def keep(rate: float, *shape: int) -> Tensor | Sequence[None]:
        if not (rate and network.training):
            return [None] * shape[0]
        return torch.empty(shape, dtype=torch.bool, device=stream.device).bernoulli_(1 - rate)

    first, depth = network.blocks[0].attn, len(network.blocks)
    attention = keep(first.attn_drop.p, depth, images, first.num_heads, tokens, tokens)
    branches = keep(first.proj_drop.p, depth, 2, *stream.shape)
    rates = [getattr(block.drop_path1, "drop_prob", 0.0) for block in network.blocks]
    paths = [keep(rate, 1, 2, images, 1, 1)[0] for rate in rates]
    return list(map(Masks, attention, branches, paths))


def plain(block: Block, weights: Weights, masks: Masks, stream: Tensor) -> Tensor:
    """Tokens [B, tokens, width] that leave a block.

    Args:
        block: of the network.
        weights: what replaces parameters of its linear layers, by name.
        masks: what dropout keeps.
        stream: tokens that enter, [B, tokens, width].
    """
    linear = _Linears(block, weights)
    query, key, value = _heads(block, linear("attn.qkv", block.norm1(stream)))
    if masks.attention is None:
        mixed = functional.scaled_dot_product_attention(query, key, value)
    else:
        scores = _precise((query * block.attn.scale) @ key.transpose(-2, -1))
        mixed = _kept(scores.softmax(dim=-1), masks.attention, block.attn.attn_drop.p) @ value
    middle = stream + _branch(block, masks, 0, linear("attn.proj", _joined(mixed)))
    hidden = functional.gelu(linear("mlp.fc1", block.norm2(middle)))
    return middle + _branch(block, masks, 1, linear("mlp.fc2", hidden))


def with_tangent(
    block: Block,
    weights: Weights,
    masks: Masks,
    stream: Tensor,
    tangent: Tensor | None,
    direction: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Tokens that leave a block, and how they change when those that enter change.

    Args:
        block: of the network.
        weights: as in `plain`.
        masks: as in `plain`.
        stream: tokens that enter, [B, tokens, width].
        tangent: their change that comes from blocks before, of the same shape; None if there is none.
        direction: their change that begins here; None if there is none, but not both.

    Returns:
        Both of the shape of `stream`, and differentiable with respect to all arguments and parameters.
    """
    changes = [each for each in (tangent, direction) if each is not None]
    tangent = changes[0] if len(changes) == 1 else changes[0] + changes[1]
    linear, scale = _Linears(block, weights), block.attn.scale
    joined = torch.stack(linear.of_both("attn.qkv", *norm_with_tangent(block.norm1, stream, tangent)))
    # In memory head by head, which the products below would otherwise copy for each of them.
    query, key, value, of_query, of_key, of_value = _heads(block, joined).flatten(0, 1).contiguous()
    of_scores = of_query @ key.transpose(-2, -1) + query @ of_key.transpose(-2, -1)
    shares, of_shares = _softmax(query @ key.transpose(-2, -1) * scale, of_scores * scale)
    shares, of_shares = (_kept(each, masks.attention, block.attn.attn_drop.p) for each in (shares, of_shares))
    mixed, of_mixed = shares @ value, of_shares @ value + shares @ of_value
    change = linear.of_both("attn.proj", *_joined(torch.stack((mixed, of_mixed))))
    middle, of_middle = (
        stream + _branch(block, masks, 0, change[0]),
        tangent + _branch(block, masks, 0, change[1]),
    )
    hidden = linear.of_both("mlp.fc1", *norm_with_tangent(block.norm2, middle, of_middle))
    change = linear.of_both("mlp.fc2", *_gelu(*hidden))
    return middle + _branch(block, masks, 1, change[0]), of_middle + _branch(block, masks, 1, change[1])


def norm_with_tangent(norm: nn.Module, values: Tensor, tangent: Tensor) -> tuple[Tensor, Tensor]:
    """Layer norm and its change, or both as they are without a norm."""
    if isinstance(norm, nn.Identity):
        return values, tangent
    shape = norm.normalized_shape
    values = values.to(norm.weight.dtype)
    normed, mean, inverse = torch.native_layer_norm(values, shape, norm.weight, norm.bias, norm.eps)
    wanted = [True, False, False]
    change = _ATEN.native_layer_norm_backward(
        tangent.to(values.dtype), values, shape, mean, inverse, None, None, wanted
    )[0]
    return normed, change * norm.weight


class _Linears:
    """The linear layers of a block by name, with other weights in their place if there are some."""

    def __init__(self, block: Block, weights: Weights):
        self._block, self._weights = block, weights

    def __call__(self, name: str, values: Tensor) -> Tensor:
        return functional.linear(values, self._of(name, "weight"), self._of(name, "bias"))

    def of_both(self, name: str, values: Tensor, tangent: Tensor) -> tuple[Tensor, Tensor]:
        """What a layer makes of values and of their tangent, in one product."""
        weight = self._of(name, "weight")
        both = torch.stack([each.to(weight.dtype) for each in (values, tangent)])
        product, change = functional.linear(both, weight).unbind()
        return product + self._of(name, "bias"), change

    def _of(self, name: str, part: str) -> Tensor:
        replaced = self._weights.get(f"{name}.{part}")
        return self._block.get_parameter(f"{name}.{part}") if replaced is None else replaced


class TwoPasses:
    """A batch in a network, first up to gradients at its tokens, then up to gradients of its parameters.

    Both passes keep the same values in dropout. The embedding is computed once.

    Attributes:
        masks: what dropout keeps, by block.

    Args:
        network: a vision transformer in training or evaluation mode.
        images: as in a call of the network.
        weights: by block, what replaces parameters of its linear layers, by name.
        form: given to the functions that pass through a block or the final norm.
    """

    def __init__(self, network: nn.Module, images: Tensor, weights: Mapping[Block, Weights], form: Form):
        self._network = network
        self._plain, self._with_tangent, self._norm = map(form, (plain, with_tangent, norm_with_tangent))
        self._weights, self._embedded = weights, network.embed(images)
        self.masks = draw_masks(network, self._embedded)

    def first(self, capture: Collection[str]) -> Output:
        """Logits and captured tokens, whose graph begins at the tokens and leaves out the parameters.

        Args:
            capture: names of features.

        Raises:
            InputError: a feature is not that of tokens that enter a block.
        """
        features = {}
        # A view, because torch's counter of operations cannot follow the gradient of a leaf.
        stream = self._embedded.detach().requires_grad_().view_as(self._embedded)
        with _frozen(self._network):
            for index, (block, masks) in enumerate(zip(self._network.blocks, self.masks, strict=True)):
                if (name := f"entering.{index}") in capture:
                    features[name] = Tokens(stream, self._network.prefix_tokens)
                constant = {name: value.detach() for name, value in self._weights[block].items()}
                stream = self._plain(block, constant, masks, stream)
            first, second = self._network.classify(self._network.norm(self._prefix(stream)))
        for name in sorted(set(capture) - features.keys()):
            raise InputError(f"Two passes capture tokens that enter blocks, and nothing else: not {name!r}.")
        return Output(first, second, features)

    def second(self, directions: Mapping[int, Tensor]) -> tuple[Output, Tensor]:
        """Logits, and how those of the classification head change along directions at tokens.

        Args:
            directions: by zero-based index of the block that the tokens enter, [B, tokens, width].

        Returns:
            The output, with the tokens that enter these blocks, and the change [B, classes].
        """
        stream, features = self._embedded, {}
        tangent = None
        for index, (block, masks) in enumerate(zip(self._network.blocks, self.masks, strict=True)):
            features[f"entering.{index}"] = Tokens(stream, self._network.prefix_tokens)
            weights, direction = self._weights[block], directions.get(index)
            if tangent is None and direction is None:
                stream = self._plain(block, weights, masks, stream)
            else:
                stream, tangent = self._with_tangent(block, weights, masks, stream, tangent, direction)
        prefix, change = self._norm(self._network.norm, self._prefix(stream), self._prefix(tangent))
        output = Output(*self._network.classify(prefix), features)
        return output, functional.linear(change[:, 0], self._network.head.weight)

    def _prefix(self, stream: Tensor) -> Tensor:
        return stream[:, : self._network.prefix_tokens]


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Parameters do not require grad inside."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_()


def _heads(block: Block, joined: Tensor) -> Tensor:
    """Query, key and value, [..., 3, B, heads, tokens, channels], from [..., B, tokens, 3 width]."""
    split = joined.unflatten(-1, (3, block.attn.num_heads, block.attn.head_dim))
    return split.movedim(-3, -5).transpose(-3, -2)


def _joined(heads: Tensor) -> Tensor:
    return heads.transpose(-3, -2).flatten(-2)


def _kept(values: Tensor, mask: Tensor | None, rate: float) -> Tensor:
    return values if mask is None else values * mask / (1 - rate)


def _branch(block: Block, masks: Masks, number: int, values: Tensor) -> Tensor:
    """The output of attention (0) or MLP (1) after dropout and stochastic depth."""
    if masks.branches is not None:
        values = _kept(values, masks.branches[number], block.attn.proj_drop.p)
    if masks.paths is not None:
        values = _kept(values, masks.paths[number], block.drop_path1.drop_prob)
    return values


def _softmax(scores: Tensor, tangent: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax over the last dimension and its change."""
    scores = _precise(scores)
    shares = scores.softmax(dim=-1)
    return shares, _ATEN._softmax_backward_data(tangent.to(scores.dtype), shares, -1, scores.dtype)


def _gelu(values: Tensor, tangent: Tensor) -> tuple[Tensor, Tensor]:
    """Exact GELU and its change."""
    return functional.gelu(values), _ATEN.gelu_backward(tangent, values)


def _precise(values: Tensor) -> Tensor:
    """In float32 instead of bf16."""
    return values.float() if values.dtype == torch.bfloat16 else values
