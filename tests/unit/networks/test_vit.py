"""What the vision transformer promises: sizes, agreement with Hugging Face, dropout, start, gradients."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from distillation.core.errors import UserError
from distillation.networks.families.vit import DistillationToken, Model
from distillation.networks.families.vit.compute import VisionTransformer, build
from distillation.networks.output import Output
from safetensors.torch import load, save
from timm.optim import param_groups_weight_decay
from torch.nn import functional as F  # noqa: N812
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from transformers import ViTConfig, ViTForImageClassification

RELEASED = DistillationToken(start="zeros", position=False)
DEIT = DistillationToken(start="random", position=True)
CUSTOM = Model(
    family="vit", image_size=32, patch_size=2, width=128, depth=4, heads=4, mlp_width=256, classes=10
)
TINY = Model(
    family="vit", image_size=32, patch_size=4, width=192, depth=12, heads=3, mlp_width=768, classes=10
)
SMALL = Model(
    family="vit", image_size=32, patch_size=4, width=384, depth=12, heads=6, mlp_width=1536, classes=10
)
NET = Model(family="vit", image_size=8, patch_size=2, width=12, depth=3, heads=2, mlp_width=20, classes=5)
STUDENTS = [
    pytest.param(NET, id="plain"),
    pytest.param(replace(NET, distillation_token=RELEASED, without_final_norm=True), id="released"),
    pytest.param(replace(NET, distillation_token=DEIT), id="deit"),
]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, resolution: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(count, 3, resolution, resolution, generator=seeded(1)).to(dtype)


def strong(model: Model) -> VisionTransformer:
    """A network whose every parameter matters, in evaluation mode."""
    network = build(model, seeded()).eval()
    generator = seeded(2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return network


# Sizes and parameters


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        (CUSTOM, 566_154),
        (replace(CUSTOM, distillation_token=RELEASED, without_final_norm=True), 567_316),
        (replace(CUSTOM, distillation_token=DEIT), 567_700),
        (TINY, 5_362_762),
        (replace(TINY, distillation_token=RELEASED, without_final_norm=True), 5_364_500),
        (replace(TINY, patch_size=2), 5_392_714),
        (replace(TINY, patch_size=2, distillation_token=RELEASED, without_final_norm=True), 5_394_452),
        (SMALL, 21_342_346),
        (replace(SMALL, patch_size=2), 21_402_250),
    ],
)
def test_the_network_has_as_many_trained_parameters_as_published(model, parameters):
    network = build(model, seeded())
    assert sum(each.numel() for each in network.parameters() if each.requires_grad) == parameters


@pytest.mark.parametrize("resolution", [8, 4])
@pytest.mark.parametrize("model", STUDENTS)
def test_every_parameter_receives_a_gradient_from_the_logits(model, resolution):
    network = strong(model)
    output = network(images(2, resolution))
    assert output.logits.shape == (2, 5)
    loss = output.logits.square().sum()
    if model.distillation_token is not None:
        assert output.distillation_logits.shape == (2, 5)
        loss = loss + output.distillation_logits.square().sum()
    loss.backward()
    idle = {n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    assert idle == set()


def test_the_width_of_the_mlp_is_kept_where_a_float_ratio_would_round_it_down():
    assert int(11 * (15 / 11)) == 14
    network = build(replace(NET, width=11, heads=1, mlp_width=15), seeded())
    assert {block.mlp.fc1.out_features for block in network.blocks} == {15}


@pytest.mark.parametrize("model", STUDENTS)
def test_a_state_dict_survives_safetensors_bit_by_bit(model):
    network = strong(model)
    state = network.state_dict()
    assert set(state) == {name for name, _ in network.named_parameters()}
    other = build(model, seeded(9))
    other.load_state_dict(load(save(state)))
    assert all(torch.equal(state[name], value) for name, value in other.state_dict().items())


def test_weight_decay_spares_tokens_positions_norms_and_biases():
    network = build(replace(NET, distillation_token=DEIT), seeded())
    spared, decayed = param_groups_weight_decay(network, 0.1, no_weight_decay_list=network.no_weight_decay())
    assert (spared["weight_decay"], decayed["weight_decay"]) == (0.0, 0.1)
    weights = {p for m in network.modules() for p in m.parameters(recurse=False) if p.ndim in (2, 4)}
    assert set(decayed["params"]) == weights
    assert build(NET, seeded()).no_weight_decay() == {"cls_token", "positions"}


# Agreement with Hugging Face


def hugging_face(model: Model, attention: str = "sdpa") -> ViTForImageClassification:
    config = ViTConfig(
        hidden_size=model.width,
        num_hidden_layers=model.depth,
        num_attention_heads=model.heads,
        intermediate_size=model.mlp_width,
        hidden_act="gelu",
        hidden_dropout_prob=model.dropout,
        attention_probs_dropout_prob=model.attention_dropout,
        layer_norm_eps=1e-12,
        image_size=model.image_size,
        patch_size=model.patch_size,
        num_labels=model.classes,
        attn_implementation=attention,
    )
    with torch.random.fork_rng(devices=[]):
        reference = ViTForImageClassification(config)
    generator = seeded(3)
    with torch.no_grad():
        for name, parameter in reference.named_parameters():
            std = 0.2 if parameter.ndim != 2 else 1.2 / parameter.shape[1] ** 0.5
            parameter.copy_(std * torch.randn(parameter.shape, generator=generator))
            if "layernorm" in name and name.endswith("weight"):
                parameter.add_(1.0)
    return reference


def translated(reference: ViTForImageClassification) -> dict[str, torch.Tensor]:
    theirs = dict(reference.state_dict())
    ours = {
        "cls_token": theirs.pop("vit.embeddings.cls_token"),
        "positions": theirs.pop("vit.embeddings.position_embeddings"),
    }
    renamed = {
        "patch_embed.proj": "vit.embeddings.patch_embeddings.projection",
        "norm": "vit.layernorm",
        "head": "classifier",
    }
    for index in range(reference.config.num_hidden_layers):
        block, layer = f"blocks.{index}", f"vit.layers.{index}"
        for kind in ("weight", "bias"):
            qkv = [theirs.pop(f"{layer}.attention.{each}_proj.{kind}") for each in "qkv"]
            ours[f"{block}.attn.qkv.{kind}"] = torch.cat(qkv)
        renamed |= {
            f"{block}.norm1": f"{layer}.layernorm_before",
            f"{block}.norm2": f"{layer}.layernorm_after",
            f"{block}.attn.proj": f"{layer}.attention.o_proj",
            f"{block}.mlp.fc1": f"{layer}.mlp.fc1",
            f"{block}.mlp.fc2": f"{layer}.mlp.fc2",
        }
    for ours_name, theirs_name in renamed.items():
        for kind in ("weight", "bias"):
            ours[f"{ours_name}.{kind}"] = theirs.pop(f"{theirs_name}.{kind}")
    assert not theirs
    return ours


@pytest.mark.parametrize("resolution", [32, 12])
@pytest.mark.parametrize(
    "model",
    [
        pytest.param(replace(CUSTOM, width=16, depth=2, heads=2, mlp_width=40), id="patch 2"),
        pytest.param(replace(CUSTOM, patch_size=4, width=16, depth=2, heads=2, mlp_width=40), id="patch 4"),
        pytest.param(CUSTOM, id="custom"),
    ],
)
@torch.no_grad()
def test_the_logits_are_those_of_hugging_face_with_the_same_weights(model, resolution):
    reference = hugging_face(model).eval()
    network = build(model, seeded()).eval()
    network.load_state_dict(translated(reference))
    batch = images(3, resolution)
    theirs = reference(batch, interpolate_pos_encoding=True).logits
    assert theirs.std(dim=0).min() > 0.01
    assert (network(batch).logits - theirs).abs().max() < 1e-5


# Dropout


class DropoutCalls(TorchFunctionMode):
    """Records the probability of each dropout that happens, inside attention or not, in order."""

    def __init__(self):
        self.rates = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is F.dropout:
            self.rates.append(kwargs["p"] if "p" in kwargs else args[1])
        if func is F.scaled_dot_product_attention:
            self.rates.append(kwargs.get("dropout_p", 0.0))
        return func(*args, **kwargs)


def dropout_calls(network: torch.nn.Module) -> list[float]:
    with DropoutCalls() as calls, torch.no_grad():
        network.train()(images(2, 8))
    return [rate for rate in calls.rates if rate > 0]


@pytest.mark.parametrize("resolution", [32, 12])
def test_the_attention_of_the_cls_token_is_that_of_hugging_face_with_the_same_weights(resolution):
    model = replace(CUSTOM, patch_size=4, width=16, depth=2, heads=2, mlp_width=40)
    reference = hugging_face(model, "eager").eval()
    network = build(model, seeded(0)).eval()
    network.load_state_dict(translated(reference))
    images = torch.randn(2, 3, resolution, resolution, generator=seeded(1))
    with torch.no_grad():
        theirs = reference(images, output_attentions=True, interpolate_pos_encoding=True).attentions
        ours = network(images, ["attention.0", "attention.1"]).features
    for index, full in enumerate(theirs):
        torch.testing.assert_close(ours[f"attention.{index}"].values, full[:, :, 0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_training_drops_where_hugging_face_drops(attention):
    model = replace(NET, dropout=0.3, attention_dropout=0.2)
    ours = dropout_calls(build(model, seeded()))
    assert Counter(ours) == {0.3: 1 + 2 * model.depth, 0.2: model.depth}
    assert ours == [0.3] + [0.2, 0.3, 0.3] * model.depth
    assert ours == dropout_calls(hugging_face(model, attention))


def test_each_dropout_site_changes_the_logits_and_there_is_no_other():
    network = strong(replace(NET, dropout=0.3, attention_dropout=0.2)).train()
    sites = [each for each in network.modules() if isinstance(each, torch.nn.Dropout) and each.p > 0]
    assert len(sites) == 1 + 3 * NET.depth
    batch = images(2, 8)
    for site in sites:
        site.p = 0.0
    torch.manual_seed(0)
    assert torch.equal(network(batch).logits, network(batch).logits)
    for site in sites:
        site.p = 0.3
        assert not torch.allclose(network(batch).logits, network(batch).logits)
        site.p = 0.0


def test_embedding_dropout_reaches_a_token_with_a_position_and_spares_one_without():
    for token, dropped in ((DEIT, True), (RELEASED, False)):
        network = strong(replace(NET, distillation_token=token, dropout=0.5)).train()
        entering = network(images(4, 8), ["entering.0"]).features["entering.0"].values
        assert bool((entering[:, 0] == 0).any())
        assert bool((entering[:, 1] == 0).any()) is dropped


def test_evaluation_drops_nothing():
    network = build(replace(NET, dropout=0.3, attention_dropout=0.2), seeded())
    dropping, silent = network(images(2, 8)).logits, network.eval()(images(2, 8)).logits
    assert not torch.equal(dropping, silent)
    assert torch.equal(silent, network(images(2, 8)).logits)


# Stochastic depth


def depths(network: VisionTransformer) -> list[float]:
    """The probability that each block's attention and MLP are skipped."""
    pairs = [(block.drop_path1, block.drop_path2) for block in network.blocks]
    rates = [[getattr(path, "drop_prob", 0.0) for path in pair] for pair in pairs]
    assert all(first == second for first, second in rates)
    return [first for first, _ in rates]


def test_blocks_are_skipped_the_more_often_the_later_they_come():
    assert depths(build(replace(NET, stochastic_depth=0.3), seeded())) == pytest.approx([0, 0.15, 0.3])
    assert depths(build(NET, seeded())) == [0, 0, 0]


@torch.no_grad()
def test_a_skipped_block_adds_nothing_in_training_and_everything_in_evaluation():
    network = strong(replace(NET, stochastic_depth=1.0))
    batch = images(2, 8)
    assert torch.equal(network(batch).logits, strong(NET)(batch).logits)
    tokens = network.train()(batch, ["entering.2", "leaving.2"]).features
    assert torch.equal(tokens["entering.2"].values, tokens["leaving.2"].values)


@torch.no_grad()
def test_a_block_that_is_not_skipped_counts_for_those_that_are():
    network = build(replace(NET, stochastic_depth=0.5), seeded()).train()
    batch = images(1, 8).expand(4000, -1, -1, -1)
    before, after = (network(batch, [name]).features[name].values for name in ("entering.0", "leaving.1"))
    assert (before == before[:1]).all()
    change = (after - before)[:, 0]
    kept = build(NET, seeded()).train()(batch[:1], ["leaving.1"]).features["leaving.1"].values
    # Rate 0.25 for attention and again for the MLP.
    assert change.mean(0) == pytest.approx((kept - before[:1])[0, 0].numpy(), abs=0.003)


# Tokens and positions


@torch.no_grad()
def test_a_network_with_positions_for_larger_images_sees_those_and_smaller_ones():
    network = strong(replace(NET, largest_side=16))
    assert network.positions.shape == (1, 1 + 8 * 8, 12)
    learned = network.positions[0, 1:].T.reshape(1, 12, 8, 8)
    for side in (8, 16):
        entering = network(images(2, side), ["entering.0"]).features["entering.0"].values
        grid = side // 2
        positions = F.interpolate(learned, size=(grid, grid), mode="bicubic", align_corners=False)
        added = entering[:, 1:] - network.patch_embed(images(2, side))
        assert (added - positions.flatten(2).mT).abs().max() < 1e-5
    with pytest.raises(UserError, match=r"Resolution 18 does not fit .* from 2 to the largest side 16"):
        network(images(1, 18))


@pytest.mark.parametrize("resolution", [2, 4, 6, 8])
@pytest.mark.parametrize("model", STUDENTS)
@torch.no_grad()
def test_tokens_enter_as_cls_distillation_patches_with_resized_patch_positions(model, resolution):
    network = strong(model).double()
    grid, batch = resolution // 2, images(2, resolution, torch.float64)
    learned = network.positions[0, 1:].T.reshape(1, 12, 4, 4)
    positions = F.interpolate(learned, size=(grid, grid), mode="bicubic", align_corners=False)
    prefix = [network.cls_token[0, 0] + network.positions[0, 0]]
    if model.distillation_token is not None:
        has_position = model.distillation_token.position
        prefix.append(
            network.distillation_token[0, 0] + (network.distillation_position[0, 0] if has_position else 0)
        )
    entering, before_patches = network(batch, ["entering.0"]).features["entering.0"]
    assert before_patches == network.prefix_tokens == len(prefix)
    assert entering.shape == (2, len(prefix) + grid**2, 12)
    for index, expected in enumerate(prefix):
        assert (entering[:, index] - expected).abs().max() < 1e-12
    added = entering[:, len(prefix) :] - network.patch_embed(batch)
    assert (added - positions.flatten(2).mT).abs().max() < 1e-6


@torch.no_grad()
def test_positions_at_full_size_are_the_learned_ones_bit_by_bit():
    network = strong(NET)
    network.patch_embed.proj.weight.zero_()
    network.patch_embed.proj.bias.zero_()
    entering = network(images(1, 8), ["entering.0"]).features["entering.0"].values
    assert torch.equal(entering[:, 1:], network.positions[:, 1:])


def test_positions_resized_under_autocast_keep_full_precision():
    network = strong(NET)
    with torch.no_grad():
        network.patch_embed.proj.weight.zero_()
        network.patch_embed.proj.bias.zero_()
        plain = network(images(1, 4), ["entering.0"]).features["entering.0"].values
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(network(images(1, 4), ["entering.0"]).features["entering.0"].values, plain)


def test_a_resolution_first_seen_in_inference_mode_can_still_be_trained():
    network = strong(replace(NET, image_size=26))
    with torch.inference_mode():
        network(images(1, 22))
    network(images(1, 22)).logits.sum().backward()
    assert network.positions.grad[:, 1:].abs().sum() > 0


@pytest.mark.parametrize("model", STUDENTS)
@torch.no_grad()
def test_each_head_reads_its_own_token_normalised_unless_the_model_goes_without(model):
    network, leaving = strong(model), []
    network.blocks[-1].register_forward_hook(lambda _, __, stream: leaving.append(stream))
    output = network(images(2, 8))
    stream = leaving[0]
    if not model.without_final_norm:
        stream = F.layer_norm(stream, (12,), network.norm.weight, network.norm.bias, eps=1e-12)
    torch.testing.assert_close(output.logits, network.head(stream[:, 0]))
    if model.distillation_token is None:
        assert output.distillation_logits is None
    else:
        torch.testing.assert_close(output.distillation_logits, network.distillation_head(stream[:, 1]))


# Start


@pytest.mark.parametrize("model", STUDENTS)
def test_the_start_depends_on_the_generator_alone_and_leaves_the_global_one_in_place(model):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = build(model, seeded(5)).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second = build(model, seeded(5)).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first | second)
    other = build(model, seeded(6)).state_dict()
    assert not torch.equal(first["head.weight"], other["head.weight"])


@pytest.mark.parametrize("token", [RELEASED, DEIT])
def test_students_with_and_without_the_token_share_their_start(token):
    plain = build(NET, seeded()).state_dict()
    student = build(replace(NET, distillation_token=token), seeded()).state_dict()
    assert all(torch.equal(student[name], value) for name, value in plain.items())
    extra = {name.split(".")[0] for name in student.keys() - plain.keys()}
    positions = {"distillation_position"} if token.position else set()
    assert extra == {"distillation_token", "distillation_head"} | positions


def test_weights_start_normal_biases_at_zero_and_norms_as_the_identity():
    network = build(replace(CUSTOM, distillation_token=DEIT), seeded())
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        else:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.25), name
            assert parameter.unique().numel() > 0.9 * parameter.numel(), name
    assert not build(replace(CUSTOM, distillation_token=RELEASED), seeded()).distillation_token.any()


# Captured tokens


def true_class(output: Output) -> torch.Tensor:
    return output.logits[torch.arange(2), torch.tensor([1, 3])].sum()


@pytest.mark.parametrize("frozen", [False, True], ids=["trained", "frozen"])
@pytest.mark.parametrize("model", STUDENTS)
def test_gradients_to_captured_tokens_are_the_finite_differences(model, frozen):
    network = strong(model).double().requires_grad_(not frozen)
    batch, step = images(2, 6, torch.float64), 1e-5
    output = network(batch, ["entering.2", "entering.0"])
    assert set(output.features) == {"entering.0", "entering.2"}
    captured = [output.features[name].values for name in ("entering.0", "entering.2")]
    gradients = torch.autograd.grad(true_class(output), captured)
    for index, gradient in zip((0, 2), gradients, strict=True):
        for seed in (0, 1):
            direction = torch.randn(gradient.shape, generator=seeded(seed), dtype=torch.float64)
            values = []
            for shift in (step * direction, -step * direction):
                handle = network.blocks[index].register_forward_pre_hook(lambda _, x, s=shift: (x[0] + s,))
                values.append(true_class(network(batch)).item())
                handle.remove()
            expected = (values[0] - values[1]) / (2 * step)
            assert abs(expected) > 1e-3
            assert (gradient * direction).sum().item() == pytest.approx(expected, rel=1e-5)


def saliency_norm(network: VisionTransformer, batch: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(0)
    with sdpa_kernel(SDPBackend.MATH):
        output = network(batch, ["entering.1", "entering.2"])
        captured = [tokens.values for tokens in output.features.values()]
        gradients = torch.autograd.grad(true_class(output), captured, create_graph=True)
    return sum(each.square().sum() for each in gradients)


def test_a_gradient_of_captured_gradients_reaches_the_parameters_in_training():
    network = strong(replace(NET, dropout=0.1, attention_dropout=0.1)).double().train()
    batch, step = images(2, 6, torch.float64), 1e-6
    saliency_norm(network, batch).backward()
    for name in (
        "patch_embed.proj.weight",
        "blocks.0.attn.qkv.weight",
        "blocks.1.attn.qkv.weight",
        "head.weight",
    ):
        parameter = network.get_parameter(name)
        direction = torch.randn(parameter.shape, generator=seeded(), dtype=torch.float64)
        values = []
        for sign in (1, -2):
            parameter.data.add_(direction, alpha=sign * step)
            values.append(saliency_norm(network, batch).item())
        parameter.data.add_(direction, alpha=step)
        expected = (values[0] - values[1]) / (2 * step)
        assert abs(expected) > 1e-3, name
        assert (parameter.grad * direction).sum().item() == pytest.approx(expected, rel=1e-4), name


def test_capturing_does_not_cut_the_graph_of_a_network_in_training():
    network = strong(NET)
    true_class(network(images(2, 8), ["entering.1"])).backward()
    assert network.patch_embed.proj.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_without_gradients_tokens_are_captured_as_they_are(mode):
    network = strong(NET)
    with mode():
        features = network(images(2, 8), ["entering.0", "entering.1"]).features
    first, second = (features[f"entering.{index}"].values for index in (0, 1))
    assert not first.requires_grad
    assert not second.requires_grad
    assert torch.equal(network.blocks[0](first.clone()), second)


@torch.no_grad()
def test_different_features_of_the_same_block_are_captured_in_one_pass():
    network = strong(NET).eval()
    names = ["entering.1", "leaving.1", "attention.1", "leaving.0", "classifier"]
    output = network(images(2, 8), names)
    assert set(output.features) == set(names)
    assert torch.equal(output.features["leaving.0"].values, output.features["entering.1"].values)
    assert torch.equal(
        network.blocks[1](output.features["entering.1"].values), output.features["leaving.1"].values
    )
    assert output.features["attention.1"].values.shape == (2, 2, 17)
    assert output.features["classifier"] is network.head.weight
    assert torch.equal(output.logits, network(images(2, 8)).logits)


# Errors


@pytest.mark.parametrize(
    ("resolution", "capture", "message"),
    [
        (7, (), "Resolution 7 does not fit .* multiple of the patch size 2 from 2 to the largest side 8"),
        (10, (), "Resolution 10 does not fit .* multiple of the patch size 2 from 2 to the largest side 8"),
        (
            8,
            ("entering.0", "leaving.3"),
            "no feature 'leaving.3' in this network: no block 3 at depth 3; blocks are 0 to 2",
        ),
        (
            8,
            ("entering.-1",),
            "no feature 'entering.-1' in this network: name entering, leaving or attention",
        ),
        (8, ("tokens",), "no feature 'tokens' in this network: .* such as entering.0, or classifier"),
    ],
)
def test_an_impossible_resolution_or_feature_is_refused_by_name(resolution, capture, message):
    with pytest.raises(UserError, match=message):
        build(NET, seeded())(images(1, resolution), capture)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patch_size": 3}, "Image size 8 is not divisible by patch size 3"),
        ({"heads": 5}, "Width 12 is not divisible by 5 heads"),
    ],
)
def test_impossible_sizes_are_refused_by_name(change, message):
    with pytest.raises(UserError, match=message):
        build(replace(NET, **change), seeded())


def test_images_that_are_not_square_are_refused():
    with pytest.raises(UserError, match="8 x 4 pixels: pass square ones"):
        build(NET, seeded())(torch.zeros(1, 3, 8, 4))


def test_averaged_heads_are_the_mean_of_both_outside_training_and_two_heads_in_it():
    images = torch.rand(2, 3, 32, 32)
    plain = build(replace(CUSTOM, distillation_token=DEIT), seeded())
    averaged = build(replace(CUSTOM, distillation_token=replace(DEIT, averages_heads=True)), seeded())
    alone, both = plain(images), averaged(images)
    assert torch.equal(alone.logits, both.logits)
    alone, both = plain.eval()(images), averaged.eval()(images)
    assert torch.equal(both.logits, (alone.logits + alone.distillation_logits) / 2)
    assert torch.equal(both.distillation_logits, alone.distillation_logits)
