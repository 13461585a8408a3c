"""Vision transformer for every resolution up to its largest, with an optional distillation token.

The layers are those of the ViT of Dosovitskiy et al. 2021 (section 3.1) as Hugging Face transformers
implements it: pre-norm blocks, exact GELU, layer norm epsilon 1e-12. The distillation token and its head
follow DeiT (Touvron et al. 2021, section 4).
"""

import functools
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext

import torch
from timm.layers import Mlp, PatchEmbed
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.amp import is_autocast_available

from distillation.core.errors import InputError
from distillation.networks.families.vit import CLASSIFIER, Model
from distillation.networks.families.vit.tangents import Form, TwoPasses, Weights
from distillation.networks.families.vit.tokens import Tokens
from distillation.networks.output import Output

# Of every layer norm.
NORM_EPS = 1e-12
_INIT_STD = 0.02


@functools.cache
def _resize_matrix(full: int, grid: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Bicubic resizing of a full x full grid to grid x grid as a [grid^2, full^2] matrix."""
    # The tensor is cached; one made in inference mode could not be used in a later backward pass.
    with torch.inference_mode(False), torch.no_grad():
        basis = torch.eye(full * full, dtype=torch.float64, device="cpu").reshape(-1, 1, full, full)
        columns = nn.functional.interpolate(basis, size=(grid, grid), mode="bicubic", align_corners=False)
        return columns.flatten(1).T.contiguous().to(device=device, dtype=dtype)


def _block(model: Model, index: int) -> Block:
    def mlp(**arguments: object) -> Mlp:
        # Block derives the hidden width from a float ratio, which can round down, and timm's Mlp would also
        # apply dropout after the activation, which this network does not.
        exact = {"hidden_features": model.mlp_width, "drop": (0.0, model.dropout)}
        return Mlp(**(arguments | exact))

    return Block(
        dim=model.width,
        num_heads=model.heads,
        qkv_bias=True,
        proj_drop=model.dropout,
        attn_drop=model.attention_dropout,
        drop_path=model.stochastic_depth * index / (model.depth - 1),
        norm_layer=functools.partial(nn.LayerNorm, eps=NORM_EPS),
        mlp_layer=mlp,
    )


def _class_attention(block: Block, stream: Tensor) -> Tensor:
    """Attention of the CLS token, [B, heads, tokens]; fused attention does not return it."""
    attention, tokens = block.attn, block.norm1(stream)
    query, key, _ = attention.qkv.weight.chunk(3)
    query_bias = attention.qkv.bias.chunk(3)[0]
    heads = (attention.num_heads, attention.head_dim)
    own = nn.functional.linear(tokens[:, 0], query, query_bias).unflatten(-1, heads)
    # (K t) q = t (K^T q): one vector per head is multiplied with the tokens, and no keys are computed. The
    # bias of the keys would add a constant to all scores of a head, which the softmax cancels.
    probes = torch.einsum("bhd,hdc->bhc", own * attention.scale, key.unflatten(0, heads))
    scores = probes @ tokens.transpose(1, 2)
    return scores.float().softmax(dim=-1)


def _check(model: Model) -> None:
    if model.largest % model.patch_size:
        raise InputError(
            f"Image size {model.largest} is not divisible by patch size {model.patch_size}: "
            "change one so that whole patches fill the image."
        )
    if model.width % model.heads:
        raise InputError(
            f"Width {model.width} is not divisible by {model.heads} heads: "
            "change one so that every head gets the same number of channels."
        )


class VisionTransformer(nn.Module):
    """A vision transformer; `build` makes one that is initialised from a generator.

    Attributes:
        prefix_tokens: tokens before the patches: 1 (CLS), or 2 (CLS, distillation).

    Args:
        model: sizes, dropout rates and the distillation token, if any.

    Raises:
        InputError: the patch size does not divide the image size, or the heads do not divide the width.
    """

    def __init__(self, model: Model):
        super().__init__()
        _check(model)
        self._lacks = model.lacks
        self._largest = model.largest
        self._patch_size = model.patch_size
        self._full_grid = model.largest // model.patch_size
        self.patch_embed = PatchEmbed(img_size=None, patch_size=model.patch_size, embed_dim=model.width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, model.width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + self._full_grid**2, model.width))
        self.embedding_dropout = nn.Dropout(model.dropout)
        self.blocks = nn.ModuleList(_block(model, index) for index in range(model.depth))
        self.norm = nn.Identity() if model.without_final_norm else nn.LayerNorm(model.width, eps=NORM_EPS)
        self.head = nn.Linear(model.width, model.classes)
        self._add_distillation(model)

    def _add_distillation(self, model: Model) -> None:
        token = model.distillation_token
        self.prefix_tokens = 1 if token is None else 2
        self.distillation_token = None if token is None else nn.Parameter(torch.zeros(1, 1, model.width))
        # Separate from `positions`, so that their shape and initial values do not depend on the token.
        has_position = token is not None and token.position
        self.distillation_position = nn.Parameter(torch.zeros(1, 1, model.width)) if has_position else None
        has_head = token is not None and not token.without_head
        self.distillation_head = nn.Linear(model.width, model.classes) if has_head else None
        self._averages_heads = has_head and token.averages_heads

    def no_weight_decay(self) -> set[str]:
        """Names of the tokens and positions, for `timm.optim.param_groups_weight_decay`."""
        names = ("cls_token", "positions", "distillation_token", "distillation_position")
        return {name for name in names if getattr(self, name) is not None}

    def forward(
        self,
        images: Tensor,
        capture: Collection[str] = (),
        run_block: Callable[[Block, Tensor], Tensor] = Block.__call__,
    ) -> Output:
        """Classify square images of any resolution up to the largest side that whole patches fill.

        Positions of a smaller grid are the learned ones, resized bicubically (Dosovitskiy et al. 2021,
        section 3.2). Captured tokens that enter a block require grad whenever grad mode is on, so that a
        logit can be differentiated with respect to them; if nothing before them is trained, they start the
        graph. Attention is captured before its dropout.

        The fused attention kernels have no second derivative. To differentiate such a gradient again, run
        the pass under `torch.nn.attention.sdpa_kernel(SDPBackend.MATH)`.

        Args:
            images: [B, 3, r, r], floating point, normalised.
            capture: names of features, with the zero-based index of a block: "entering.0" and "leaving.0" are
                the tokens (`Tokens`) that enter and leave it, "attention.0" that of its CLS token over all
                tokens (`Tokens`, probabilities), and "classifier" is the weight of the classification head
                [classes, width].
            run_block: maps a block and the tokens that enter it to those that leave it; another form of the
                same, such as a compiled one.

        Returns:
            Logits of both heads, and the features that were asked for.

        Raises:
            InputError: the images are not square, r is not a multiple of the patch size or exceeds the
                largest side, or a requested feature does not exist.
        """
        self._check_features(capture)
        stream = self.embed(images)
        features: dict[str, object] = {CLASSIFIER: self.head.weight} if CLASSIFIER in capture else {}
        for index, block in enumerate(self.blocks):
            if (name := f"entering.{index}") in capture:
                if torch.is_grad_enabled() and not stream.requires_grad:
                    stream = stream.detach().requires_grad_()
                features[name] = Tokens(stream, self.prefix_tokens)
            if (name := f"attention.{index}") in capture:
                features[name] = Tokens(_class_attention(block, stream), self.prefix_tokens)
            stream = run_block(block, stream)
            if (name := f"leaving.{index}") in capture:
                features[name] = Tokens(stream, self.prefix_tokens)
        first, second = self.classify(self.norm(stream[:, : self.prefix_tokens]))
        return Output(first, second, features)

    def two_passes(self, images: Tensor, weights: Mapping[Block, Weights], form: Form) -> TwoPasses:
        """Passes of a batch for a loss of gradients at its tokens; see `tangents.TwoPasses`."""
        return TwoPasses(self, images, weights, form)

    def classify(self, prefix: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits [B, classes] of both heads from the normalised prefix tokens [B, prefix, width]."""
        first = self.head(prefix[:, 0])
        second = None if self.distillation_head is None else self.distillation_head(prefix[:, 1])
        if self._averages_heads and not self.training:
            first = (first + second) / 2
        return first, second

    def _check_features(self, capture: Collection[str]) -> None:
        for name in sorted(capture):
            if text := self._lacks(name):
                raise InputError(f"There is no feature {name!r} in this network: {text}.")

    def _grid(self, images: Tensor) -> int:
        height, width = images.shape[-2:]
        if height != width:
            raise InputError(f"The images are {height} x {width} pixels: pass square ones.")
        patch, largest = self._patch_size, self._largest
        if height % patch or not patch <= height <= largest:
            raise InputError(
                f"Resolution {height} does not fit this network: use a multiple of the patch size {patch} "
                f"from {patch} to the largest side {largest}."
            )
        return height // patch

    def embed(self, images: Tensor) -> Tensor:
        """Tokens that enter the first block, [B, prefix + patches, width].

        Raises:
            InputError: as `forward`.
        """
        batch, grid = images.shape[0], self._grid(images)
        classification = (self.cls_token + self.positions[:, :1]).expand(batch, -1, -1)
        patches = self.patch_embed(images) + self._patch_positions(grid)
        if self.distillation_token is None:
            return self.embedding_dropout(torch.cat((classification, patches), dim=1))
        if self.distillation_position is not None:
            second = (self.distillation_token + self.distillation_position).expand(batch, -1, -1)
            return self.embedding_dropout(torch.cat((classification, second, patches), dim=1))
        # As in the released code of the method, a token without position is inserted after the dropout.
        stream = self.embedding_dropout(torch.cat((classification, patches), dim=1))
        second = self.distillation_token.expand(batch, -1, -1)
        return torch.cat((stream[:, :1], second, stream[:, 1:]), dim=1)

    def _patch_positions(self, grid: int) -> Tensor:
        """Positions of the patches, [1, grid^2, width]."""
        full = self.positions[:, 1:]
        if grid == self._full_grid:
            return full
        # A product, because bicubic interpolation itself has no deterministic backward on CUDA; outside
        # autocast, because at full size the positions are not rounded either.
        kind = full.device.type
        outside = torch.autocast(kind, enabled=False) if is_autocast_available(kind) else nullcontext()
        with outside:
            return _resize_matrix(self._full_grid, grid, full.device, full.dtype) @ full


def _initialise(network: VisionTransformer, model: Model, generator: torch.Generator) -> None:
    named = list(network.named_parameters())
    # The distillation parts are initialised last, so that students with and without them share all other
    # initial weights.
    named.sort(key=lambda item: item[0].startswith("distillation_"))
    token = model.distillation_token
    for name, parameter in named:
        if name.endswith(".bias") or (name == "distillation_token" and token.start == "zeros"):
            nn.init.zeros_(parameter)
        elif parameter.ndim == 1:
            nn.init.ones_(parameter)
        else:
            nn.init.trunc_normal_(parameter, std=_INIT_STD, generator=generator)


def build(model: Model, generator: torch.Generator) -> VisionTransformer:
    """Make a network on the CPU whose initial weights depend on the generator alone.

    Weights, tokens and positions are sampled from a normal distribution of standard deviation 0.02, cut off
    at -2 and 2; biases start at 0, layer norms as the identity, and a distillation token at 0 if `model` says
    so. Networks that differ only in the distillation token or the final norm share every other value. The
    global random state is neither used nor changed.

    Args:
        model: sizes, dropout rates and the distillation token, if any.
        generator: a CPU generator; it is advanced.

    Returns:
        The network in training mode, float32.

    Raises:
        InputError: as `VisionTransformer`.
    """
    with torch.random.fork_rng(devices=[]):
        network = VisionTransformer(model)
    _initialise(network, model, generator)
    return network
