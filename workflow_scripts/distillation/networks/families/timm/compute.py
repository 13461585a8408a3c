"""Any network of the library timm, by name (Wightman 2019)."""

import difflib
from collections.abc import Collection, Iterator
from itertools import chain

import timm
import torch
from torch import Tensor, nn

from distillation.core.errors import InputError, UserError
from distillation.networks.families.timm import TimmNetwork
from distillation.networks.output import Output


class Network(nn.Module):
    """A network of timm with random weights.

    Attributes:
        network: as timm builds it.
    """

    def __init__(self, model: TimmNetwork):
        super().__init__()
        require_known(model.name)
        self._model = model
        self.network = timm.create_model(model.name, pretrained=False, num_classes=model.classes)
        _require_fit(model)

    def forward(self, images: Tensor, capture: Collection[str] = ()) -> Output:
        """Classify images [B, 3, S, S], floating point, normalised.

        Raises:
            InputError: a feature is requested; there are none.
        """
        for name in sorted(capture):
            raise InputError(f"There is no feature {name!r} in this network: {self._model.lacks(name)}.")
        return Output(self.network(images))

    def no_weight_decay(self) -> set[str]:
        """Names of parameters that timm exempts from weight decay beside biases and norms."""
        names = self.network.no_weight_decay() if hasattr(self.network, "no_weight_decay") else ()
        return {f"network.{name}" for name in names}

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of the classifier, which has two heads in a network with a distillation token."""
        classifier = self.network.get_classifier()
        heads = classifier if isinstance(classifier, tuple) else (classifier,)
        return chain.from_iterable(head.parameters() for head in heads)


def require_known(name: str) -> None:
    """Stop if the installed timm has no network of a name.

    Raises:
        UserError: with the nearest names.
    """
    if timm.is_model(name):
        return
    near = difflib.get_close_matches(name, timm.list_models(), n=3)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    raise UserError(
        f"timm {timm.__version__} has no network {name!r}{hint}; correct its name in `models`, or install a"
        " timm that has it."
    )


def _require_fit(model: TimmNetwork) -> None:
    """Stop if images of the data set's size do not pass through the network."""
    # On the meta device nothing is computed, so this takes a fraction of a second.
    with torch.device("meta"):
        network = timm.create_model(model.name, pretrained=False, num_classes=model.classes).eval()
        side = _side(network, model.image_size)
    if side != model.image_size:
        raise UserError(
            f"{model.name} of timm reads images of {side} px, but its data set has images of"
            f" {model.image_size} px; set `image_size: {side}` of the data set."
        )


def _side(network: nn.Module, wanted: int) -> int:
    """Side in pixels of the images that a network of timm reads: the wanted one if these pass through it."""
    built_for = getattr(getattr(network, "patch_embed", None), "img_size", None)
    if built_for:
        return built_for[0]
    try:
        network(torch.empty(1, 3, wanted, wanted))
    except Exception:
        own = network.pretrained_cfg["input_size"][-1]
        if own == wanted:
            raise
        return own
    return wanted


def build(model: TimmNetwork, generator: torch.Generator) -> Network:
    """Make a network on the CPU whose initial weights are those of timm, drawn by the generator.

    Args:
        model: its name and number of classes.
        generator: a CPU generator; it is advanced.

    Returns:
        The network in training mode, float32.

    Raises:
        UserError: timm has no such network, or it reads images of another size.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**63 - 1, (), generator=generator)))
        return Network(model)
