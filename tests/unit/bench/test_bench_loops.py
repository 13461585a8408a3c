"""The three loops that are compared do the same work: equal losses, equal operations."""

from dataclasses import replace

import pytest
import torch
from distillation.core.errors import UserError
from distillation.data import views
from distillation.data.settings import Augmentation, Views
from distillation.networks import models
from distillation.networks.batch import Batch
from distillation.networks.families.vit import Model
from distillation.networks.objective import Objective
from distillation.study.spec import Stage
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from bench import cases
from bench.loops import hugging_face, notebook_loop, pictures, timm_loop
from bench.loops.engine_loop import EngineLoop
from bench.loops.notebook_loop import NotebookLoop
from bench.loops.timm_loop import TimmLoop

CPU = torch.device("cpu")
SIZES = {"width": 24, "depth": 3, "heads": 2, "mlp_width": 48}


@pytest.fixture(scope="module")
def released():
    """Cases of the released protocol with small networks without dropout, four images in a batch."""
    _, resolved = cases.load([cases.HOME / "studies/irkd/overlays/demo.yaml"])
    found = {}
    for case in cases.steps_of(resolved, CPU, full=True):
        small = {"dropout": 0.0, "attention_dropout": 0.0}
        run = replace(case.run, batch_size=4, model=replace(case.run.model, **SIZES, **small))
        teacher = replace(case.teacher, **SIZES, **small) if case.teacher else None
        found[case.name] = replace(case, run=run, teacher=teacher, steps=1)
    return found


def strong(model: Model, seed: int):
    """A network of ours whose every parameter matters."""
    rng = torch.Generator().manual_seed(seed)
    network = models.build(model, rng)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=rng))
    return network


def copy_weights(weights, network):
    """Copy the weights of the same network of this project (`families.vit`) into one of Hugging Face.

    An unused final norm keeps its initial weights.
    """
    own, base = {}, "base."
    positions = weights["positions"]
    own[f"{base}embeddings.cls_token"] = weights["cls_token"]
    if isinstance(network, hugging_face.Distilled):
        own["distillation_token"] = weights["distillation_token"]
    elif "distillation_token" in weights:
        own[f"{base}embeddings.distillation_token"] = weights["distillation_token"]
        second = weights["distillation_position"]
        positions = torch.cat((positions[:, :1], second, positions[:, 1:]), dim=1)
    own[f"{base}embeddings.position_embeddings"] = positions
    renamed = {f"{base}embeddings.patch_embeddings.projection": "patch_embed.proj", "classifier": "head"}
    if isinstance(network, hugging_face.Distilled):
        renamed["distiller"] = "distillation_head"
    if "norm.weight" in weights:
        renamed[f"{base}layernorm"] = "norm"
    for index in range(len(network.base.layers)):
        layer, block = f"{base}layers.{index}", f"blocks.{index}"
        renamed |= {
            f"{layer}.layernorm_before": f"{block}.norm1",
            f"{layer}.layernorm_after": f"{block}.norm2",
            f"{layer}.attention.o_proj": f"{block}.attn.proj",
            f"{layer}.mlp.fc1": f"{block}.mlp.fc1",
            f"{layer}.mlp.fc2": f"{block}.mlp.fc2",
        }
        for kind in ("weight", "bias"):
            parts = weights[f"{block}.attn.qkv.{kind}"].chunk(3)
            own |= {
                f"{layer}.attention.{name}_proj.{kind}": part for name, part in zip("qkv", parts, strict=True)
            }
    for theirs, ours in renamed.items():
        own |= {f"{theirs}.{kind}": weights[f"{ours}.{kind}"] for kind in ("weight", "bias")}
    with torch.no_grad():
        for name, value in own.items():
            network.get_parameter(name).copy_(value)


def batch_of(case):
    images, labels = case.data(CPU)
    return views.plain_view(images, case.resolution, case.run.normalization), labels


def of_notebook(case):
    """Loss of the notebooks' loop with our weights; gradients of its classifier and patch projection."""
    teacher = None
    if case.teacher:
        teacher = hugging_face.build(case.teacher, notebook_loop.attention_of(case.run)).eval()
        copy_weights(strong(case.teacher, 1).state_dict(), teacher)
    loop = NotebookLoop(case.run, teacher, *case.data(CPU), CPU)
    copy_weights(strong(case.run.model, 0).state_dict(), loop.model)
    images, labels = batch_of(case)
    loss, _ = loop.loss(images, labels, labels.roll(1), 0.3)
    loss.backward()
    own = loop.model
    return loss.item(), [
        own.classifier.weight.grad,
        own.base.embeddings.patch_embeddings.projection.weight.grad,
    ]


def of_engine(case):
    model, objective = strong(case.run.model, 0), Objective(case.run.losses)
    images, labels = batch_of(case)
    answer = None
    if case.teacher:
        teacher = strong(case.teacher, 1).eval()
        with torch.no_grad():
            answer = teacher(images, objective.teacher_features)
    output = model(images, objective.student_features)
    mixed = {"partner_labels": labels.roll(1), "shares": torch.tensor([0.3, 0.7])} if case.run.mixing else {}
    total, _ = objective(Batch(output, labels, answer, **mixed))
    total.backward()
    return total.item(), [model.head.weight.grad, model.patch_embed.proj.weight.grad]


@pytest.mark.parametrize("name", cases.RUNS)
@pytest.mark.parametrize("resolution", [32, 12])
def test_the_notebooks_loop_and_ours_have_the_same_loss_and_gradient(released, name, resolution):
    case = released[name]
    case = replace(case, run=replace(case.run, stages=(Stage(resolution, 1),)))
    (theirs, their_gradients), (ours, our_gradients) = of_notebook(case), of_engine(case)
    assert ours == pytest.approx(theirs, rel=1e-5)
    for their_gradient, our_gradient in zip(their_gradients, our_gradients, strict=True):
        scale = our_gradient.abs().max()
        assert scale > 1e-4
        torch.testing.assert_close(our_gradient / scale, their_gradient / scale, rtol=0, atol=1e-4)


def test_every_saliency_kind_of_the_notebooks_is_compared(released):
    kinds = {case.run.losses.saliency.kind for case in released.values() if case.run.losses.saliency}
    assert kinds == {"class-map", "cls-attention"}


def operations(call) -> int:
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


@pytest.mark.parametrize("name", ["custom-p2-ce", "custom-p2-kd", "tiny-p4-ce", "tiny-p4-kd", "small-p4"])
def test_the_loop_of_timm_has_as_many_operations_as_ours(released, name):
    case = released[name]
    teacher = timm_loop.network(case.teacher).requires_grad_(False) if case.teacher else None
    theirs = operations(TimmLoop(case.run, teacher, *case.data(CPU), CPU).epoch)
    # timm has one token less in a teacher whose distillation token has no head.
    assert theirs == pytest.approx(case.flops * case.images, rel=0.03)


@pytest.mark.parametrize("name", ["custom-p2-kd-cl-sal", "tiny-p4-kd-cl-sal", "tiny-p2-kd", "small-p4"])
def test_an_epoch_of_each_loop_trains_its_network(released, name):
    case = released[name]
    own = models.build(case.teacher, torch.Generator()).eval() if case.teacher else None
    theirs = hugging_face.build(case.teacher, notebook_loop.attention_of(case.run)) if case.teacher else None
    for loop in (
        EngineLoop(case.run, own, *case.data(CPU), CPU),
        NotebookLoop(case.run, theirs, *case.data(CPU), CPU),
    ):
        before = {key: value.clone() for key, value in loop.model.state_dict().items()}
        assert loop.epoch() > 0
        assert any(not torch.equal(before[key], value) for key, value in loop.model.state_dict().items())
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_network_that_no_notebook_has_is_refused(released):
    model = replace(released["custom-p2-ce"].run.model, without_final_norm=True)
    with pytest.raises(UserError, match="leave the models of the protocol 'released' as they are"):
        hugging_face.build(model, "sdpa")


def test_settings_that_no_notebook_has_are_refused(released):
    case = released["custom-p2-kd-cl-sal"]
    gradient = replace(case.run.losses.saliency, kind="gradient")
    changed = replace(case.run, losses=replace(case.run.losses, saliency=gradient))
    with pytest.raises(UserError, match="'gradient' is in no notebook"):
        NotebookLoop(changed, None, *case.data(CPU), CPU)


@pytest.mark.parametrize(("kind", "resolution"), [("crop", 12), ("scale", 12), ("crop", 32)])
def test_a_picture_goes_the_way_of_the_views(released, kind, resolution):
    run = released["custom-p2-ce"].run
    images, labels = torch.zeros(3, 3, 32, 32, dtype=torch.uint8), torch.tensor([4, 5, 6])
    images[1:] = 255
    run = replace(run, augmentation=Augmentation(0, 0.5), views=Views(training=kind))
    shown = pictures.Pictures(images, labels, pictures.chain(run, resolution))
    expected = views.plain_view(images, resolution, run.normalization)
    for index in range(3):
        pixels, label = shown[index]
        assert label == labels[index]
        torch.testing.assert_close(pixels, expected[index])


def test_a_view_without_a_per_image_form_is_refused(released):
    run = replace(released["custom-p2-ce"].run, views=Views(training="scale-then-crop"))
    with pytest.raises(UserError, match="'scale-then-crop' has no per-image form"):
        pictures.chain(run, 12)
