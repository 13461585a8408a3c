"""Networks that start from published weights."""

from dataclasses import replace

import pytest
import timm
import torch
from distillation.core import checksums
from distillation.core.errors import UserError
from distillation.networks import models
from distillation.networks.families.vit import DistillationToken, Model
from distillation.networks.families.vit.compute import build
from distillation.networks.pretrained.deit import DeitWeights

TOKEN = DistillationToken("random", True, without_head=True)
SMALL = Model(
    family="vit",
    image_size=32,
    patch_size=2,
    width=384,
    depth=12,
    heads=6,
    mlp_width=1536,
    classes=10,
    dropout=0.1,
    attention_dropout=0.1,
    distillation_token=TOKEN,
)
TINY = Model(
    family="vit",
    image_size=32,
    patch_size=2,
    width=192,
    depth=3,
    heads=3,
    mlp_width=768,
    classes=10,
    distillation_token=TOKEN,
)
DRAWN = {"patch_embed.proj.weight", "head.weight", "head.bias"}
ZERO = {"positions", "distillation_position"}


def network(model=TINY):
    return build(model, torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A file as the authors of DeiT publish it, of a network of three blocks; its digest; its tensors."""
    torch.manual_seed(0)
    reference = timm.create_model("deit_tiny_distilled_patch16_224", pretrained=False, depth=3)
    weights = {name: value + 0.1 * torch.randn(value.shape) for name, value in reference.state_dict().items()}
    path = tmp_path_factory.mktemp("weights") / "deit.pth"
    torch.save({"model": weights}, path)
    return path, checksums.sha256(path), weights


def test_blocks_tokens_final_norm_and_the_bias_of_the_projection_are_those_published(published):
    path, digest, weights = published
    started, drawn = network(), network()
    models.load_pretrained(started, DeitWeights(kind="deit", sha256=digest[:8]), path)
    for name, value in started.named_parameters():
        same_as_drawn = torch.equal(value, drawn.get_parameter(name))
        assert same_as_drawn == (name in DRAWN), name
        # Hugging Face leaves positions of another shape at zero.
        assert name not in ZERO or not value.any(), name
        if name not in DRAWN | ZERO:
            theirs = {"distillation_token": "dist_token"}.get(name, name)
            assert torch.equal(value, weights[theirs])


def test_a_student_with_a_distillation_head_starts_from_them_too_and_draws_both_heads(published):
    path, digest, weights = published
    student = replace(TINY, distillation_token=DistillationToken("random", True))
    started, drawn = network(student), network(student)
    models.load_pretrained(started, DeitWeights(kind="deit", sha256=digest[:8]), path)
    for name in ("head.weight", "distillation_head.weight", "distillation_head.bias"):
        assert torch.equal(started.get_parameter(name), drawn.get_parameter(name))
    assert torch.equal(started.distillation_token, weights["dist_token"])
    assert torch.equal(started.norm.weight, weights["norm.weight"])


def test_the_released_teacher_has_21403018_parameters_of_which_107530_are_not_published():
    sizes = {name: value.numel() for name, value in network(SMALL).named_parameters()}
    assert sum(sizes.values()) == 21_403_018
    assert sum(sizes[name] for name in DRAWN | ZERO) == 107_530


def test_another_file_is_refused_by_its_digest(published):
    with pytest.raises(UserError, match=r"its sha256 is .*, but should begin with 00000000; supply"):
        models.load_pretrained(network(), DeitWeights(kind="deit", sha256="00000000"), published[0])


def test_weights_of_a_network_of_other_sizes_are_refused(published):
    path, digest, _ = published
    wide = Model(
        family="vit",
        image_size=32,
        patch_size=2,
        width=384,
        depth=3,
        heads=6,
        mlp_width=1536,
        classes=10,
        distillation_token=TOKEN,
    )
    with pytest.raises(
        UserError, match=r"do not fit the network .*such as cls_token.*supply those of the DeiT"
    ):
        models.load_pretrained(network(wide), DeitWeights(kind="deit", sha256=digest), path)


def test_a_token_without_a_head_is_not_read_and_not_distilled_into():
    output = network()(torch.zeros(1, 3, 32, 32), ["entering.0"])
    assert output.distillation_logits is None
    assert output.features["entering.0"].prefix == 2
