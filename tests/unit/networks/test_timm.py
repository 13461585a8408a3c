"""Networks of timm by name, and the weights that timm publishes for them."""

import pytest
import timm
import torch
import yaml
from distillation.core import checksums
from distillation.core.errors import InputError, UserError
from distillation.networks import models, start_settings
from distillation.networks.families.timm import TimmNetwork
from distillation.networks.families.timm.compute import Network
from distillation.networks.families.vit import Model
from distillation.networks.pretrained.timm import TimmFile, TimmWeights
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import study
from safetensors.torch import save_file
from shipped import STUDIES

VLM = study.resolve("vlm", yaml.safe_load((STUDIES / "vlm/study.yaml").read_text(encoding="utf-8")))
NAME, TAGGED = "test_resnet", "test_resnet.r160_in1k"


def model(name=NAME, size=160, classes=100):
    return TimmNetwork(family="timm", name=name, image_size=size, classes=classes)


def build(seed=0, **changes):
    return models.build(model(**changes), torch.Generator().manual_seed(seed))


def start(name=TAGGED, sha256=None):
    return TimmWeights(kind="timm", name=name, sha256=sha256)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A file as timm publishes it, with 1000 classes, and its tensors."""
    return saved(tmp_path_factory.mktemp("weights") / "model.safetensors", NAME, 1000)


def saved(path, name, classes):
    torch.manual_seed(5)
    weights = timm.create_model(name, pretrained=False, num_classes=classes).state_dict()
    weights = {key: value + 1 if value.is_floating_point() else value for key, value in weights.items()}
    save_file(weights, path)
    return path, weights


# Networks


@pytest.mark.parametrize("protocol", ["described", "released"])
@pytest.mark.parametrize(
    ("run", "parameters"),
    [
        ("vit-base", 85_875_556),
        ("resnet-152", 58_348_708),
        ("vit-tiny-ce", 5_543_716),
        ("resnet-18-ce", 11_227_812),
        ("mobilevit-s-ce", 5_001_732),
    ],
)
def test_the_networks_of_the_study_have_the_published_numbers_of_parameters(run, parameters, protocol):
    with torch.device("meta"):
        network = Network(VLM.training(protocol, run, TrainingSeed(0)).run.model)
    assert sum(value.numel() for value in network.parameters()) == parameters


def test_a_network_is_timms_own_drawn_by_the_generator_alone():
    torch.manual_seed(99)
    state = torch.get_rng_state()
    one, same, other = build(0), build(0), build(1)
    assert torch.equal(torch.get_rng_state(), state)
    pairs = zip(one.parameters(), same.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    assert not torch.equal(one.network.conv1[0].weight, other.network.conv1[0].weight)
    images = torch.rand(2, 3, 160, 160)
    assert torch.equal(one.eval()(images).logits, one.network(images))
    assert one(images).logits.shape == (2, 100)


def test_the_head_is_the_classifier():
    assert [tuple(value.shape) for value in build().head_parameters()] == [(100, 96), (100,)]


def test_the_head_of_a_network_with_a_distillation_token_is_both_of_its_classifiers():
    with torch.device("meta"):
        network = Network(model("deit_tiny_distilled_patch16_224", 224))
    names = {id(value): name for name, value in network.named_parameters()}
    assert {names[id(value)] for value in network.head_parameters()} == {
        *("network.head.weight", "network.head.bias"),
        *("network.head_dist.weight", "network.head_dist.bias"),
    }


def test_positions_and_tokens_are_exempt_from_weight_decay_as_in_timm():
    assert {"network.pos_embed", "network.cls_token"} <= build(name="test_vit").no_weight_decay()
    assert build().no_weight_decay() == set()


def test_a_name_that_timm_does_not_have_is_refused_with_the_nearest():
    with pytest.raises(
        UserError, match=r"^timm [0-9.]+ has no network 'resnet_18' \(did you mean .*resnet18"
    ):
        build(name="resnet_18")


@pytest.mark.parametrize(("name", "side"), [("test_vit", 160), ("levit_128s", 224)])
def test_a_network_for_images_of_another_size_is_refused(name, side):
    expected = rf"reads images of {side} px, but .* of 32 px; set `image_size: {side}`"
    with pytest.raises(UserError, match=expected):
        build(name=name, size=32)


def test_a_feature_is_refused():
    with pytest.raises(InputError, match=r"no feature 'last_map' in this network: networks of its family"):
        build()(torch.rand(1, 3, 160, 160), ["last_map"])


# Weights


def test_everything_but_the_classifier_comes_from_the_file(published):
    path, weights = published
    started, drawn = build(), build()
    assert models.load_pretrained(started, start(), path) == checksums.sha256(path)
    for name, value in started.network.state_dict().items():
        if name in ("fc.weight", "fc.bias"):
            assert torch.equal(value, drawn.network.state_dict()[name])
        else:
            assert torch.equal(value, weights[name]), name


def test_the_checksum_in_a_files_name_is_checked_and_the_name_told_as_the_reason(published, tmp_path):
    path, digest = published[0], checksums.sha256(published[0])
    right, dated = tmp_path / f"resnet-{digest[:8]}.safetensors", tmp_path / "resnet-20260101.safetensors"
    for copy in (right, dated):
        copy.write_bytes(path.read_bytes())
    models.load_pretrained(build(), start(), right)
    with pytest.raises(UserError) as error:
        models.load_pretrained(build(), start(), dated)
    assert str(error.value) == (
        f"{dated}: its name ends with 20260101, which is taken for the beginning of its sha256, but this is"
        f" {digest}; rename it, or supply the file that it names."
    )
    with pytest.raises(UserError, match="should begin with 11111111; supply the file"):
        models.load_pretrained(build(), start(sha256="11111111"), right)


def test_weights_of_another_network_or_number_of_classes_or_a_part_of_the_file_are_refused(
    published, tmp_path
):
    other, _ = saved(tmp_path / "other.safetensors", "test_byobnet", 1000)
    few, _ = saved(tmp_path / "few.safetensors", NAME, 10)
    part = tmp_path / "part.safetensors"
    part.write_bytes(published[0].read_bytes()[:2000])
    text = tmp_path / "text.pth"
    text.write_text("no weights")
    for path in (other, few, part, text):
        expected = rf"^{path}: these are not the weights {TAGGED} of timm, with 1000 classes \(.*\); supply"
        with pytest.raises(UserError, match=expected):
            models.load_pretrained(build(), start(), path)


def test_a_tag_that_timm_does_not_have_is_refused_with_the_nearest(published):
    with pytest.raises(
        UserError, match=r"has no weights 'r224' of test_resnet \(did you mean test_resnet.r160"
    ):
        models.load_pretrained(build(), start("test_resnet.r224"), published[0])


def test_a_check_reads_the_weights_into_every_network(published, tmp_path):
    output = tmp_path / "checked.json"
    models.check_pretrained([model(), model(classes=10)], start(), published[0], output)
    assert checksums.sha256(published[0]) in output.read_text()
    output.unlink()
    with pytest.raises(UserError, match="reads images of 160 px"):
        models.check_pretrained([model(), model("test_vit", size=32)], start(), published[0], output)
    assert not output.exists()


@pytest.mark.parametrize(
    ("network", "found"),
    [
        (model("test_vit"), "this network is test_vit"),
        (
            Model(
                family="vit", image_size=32, patch_size=4, width=16, depth=2, heads=1, mlp_width=8, classes=10
            ),
            "this network is of the family 'vit'",
        ),
    ],
)
def test_weights_are_of_the_network_that_starts_from_them(network, found):
    assert start().unfit(model()) == ""
    assert found in start().unfit(network)


def test_a_file_is_where_the_configuration_says_or_in_timms_cache(tmp_path, monkeypatch):
    import huggingface_hub.constants

    named = start_settings.published_file({"kind": "timm", "name": TAGGED, "file": "weights/a.safetensors"})
    assert named.path() == "weights/a.safetensors"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    cached = TimmFile(kind="timm", name=TAGGED)
    assert not (tmp_path / cached.path()).exists()
    assert f"hf download timm/{TAGGED} model.safetensors" in cached.missing()
    assert str(tmp_path) in cached.missing()
    folder = tmp_path / f"models--timm--{TAGGED}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs/main").write_text("1" * 40)
    file = folder / "snapshots" / ("1" * 40) / "model.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    assert cached.path() == str(file)
