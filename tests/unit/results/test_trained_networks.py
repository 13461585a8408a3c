"""Use of trained networks: predictions, maps, and networks of timm."""

from dataclasses import replace

import pytest
import tiny_runs
import torch
from distillation.core.errors import InputError
from distillation.data import views
from distillation.networks import models
from distillation.networks.families.cnn import ConvolutionalNetwork
from distillation.networks.families.timm import TimmNetwork
from distillation.networks.families.vit import DistillationToken
from distillation.networks.saliency.gradient import compute as gradient
from distillation.results import timm_form, trained_networks
from torchvision.io import write_jpeg, write_png


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished run and a picture that is neither square nor of the network's size."""
    made = tmp_path_factory.mktemp("run")
    tiny_runs.train(tiny_runs.run(), made)
    pixels = torch.randint(256, (3, 64, 80), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    write_png(pixels, str(made / "picture.png"))
    write_jpeg(pixels, str(made / "picture.jpg"))
    return made


def test_a_run_is_loaded_with_its_network_settings_and_class_names(folder):
    loaded = trained_networks.load(folder)
    assert loaded.settings == tiny_runs.run()
    assert loaded.classes == tuple("abcdefghij")
    assert not loaded.network.training
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())


def test_weights_alone_say_what_network_they_are_of(folder, tmp_path):
    lone = tmp_path / "sent by mail.safetensors"
    lone.write_bytes((folder / "last.safetensors").read_bytes())
    from_folder = trained_networks.load(folder, weights="last").network.state_dict()
    alone = trained_networks.load(lone).network.state_dict()
    assert alone.keys() == from_folder.keys()
    assert all(torch.equal(value, from_folder[name]) for name, value in alone.items())


def test_the_best_weights_are_loaded_unless_the_last_are_wanted(folder, tmp_path):
    for name in ("run.json", "history.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "best.safetensors").write_bytes((folder / "best.safetensors").read_bytes())
    trained_networks.load(tmp_path)
    with pytest.raises(InputError, match=r"last.safetensors: this file is missing"):
        trained_networks.load(tmp_path, weights="last")


def test_the_middle_of_a_picture_is_classified_in_the_size_of_the_network(folder):
    loaded = trained_networks.load(folder)
    image = loaded.image(folder / "picture.png")
    assert image.dtype == torch.uint8
    assert image.shape == (1, 3, 32, 32)
    # Scaled to 32 x 40, of which 4 columns at each side are cut off.
    left, right = (torch.zeros(3, 64, 80, dtype=torch.uint8) for _ in range(2))
    left[:, :, :5], right[:, :, 12:20] = 255, 255
    for name, pixels in (("left", left), ("right", right)):
        write_png(pixels, str(folder / f"{name}.png"))
    assert loaded.image(folder / "left.png").max() == 0
    assert loaded.image(folder / "right.png").max() > 200
    found = loaded.classify(folder / "picture.png")
    shown = views.plain_view(image, 32, loaded.settings.normalization)
    expected = loaded.network(shown).logits[0].softmax(dim=0)
    assert found.to_dict() == pytest.approx(dict(zip("abcdefghij", expected.tolist(), strict=True)))
    assert list(found) == sorted(found, reverse=True)
    assert found.sum() == pytest.approx(1)


def test_a_jpeg_and_a_grey_picture_are_read_too(folder):
    loaded = trained_networks.load(folder)
    write_png(torch.full((1, 40, 40), 7, dtype=torch.uint8), str(folder / "grey.png"))
    assert loaded.image(folder / "picture.jpg").shape == (1, 3, 32, 32)
    assert loaded.image(folder / "grey.png").unique().tolist() == [7]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("absent.png", "absent.png: this file is missing; name a JPEG or PNG file."),
        ("run.json", "run.json: no image that torchvision reads; name a JPEG or PNG file."),
    ],
)
def test_what_is_no_picture_is_refused(folder, name, text):
    with pytest.raises(InputError) as refusal:
        trained_networks.load(folder).classify(folder / name)
    assert str(refusal.value).endswith(text)


def test_the_map_is_that_of_the_most_probable_class_in_the_block(folder):
    loaded = trained_networks.load(folder)
    shown = views.plain_view(loaded.image(folder / "picture.png"), 32, loaded.settings.normalization)
    output = loaded.network(shown, {"entering.1"})
    expected = gradient.maps(output, output.logits.argmax(dim=1), (1,), differentiable=False)
    found = loaded.saliency(folder / "picture.png", "gradient", block=1)
    assert torch.equal(found, expected[0, 0].unflatten(0, (8, 8)))
    assert not torch.equal(found, loaded.saliency(folder / "picture.png"))
    assert torch.equal(
        loaded.saliency(folder / "picture.png"), loaded.saliency(folder / "picture.png", block=2)
    )


@pytest.mark.parametrize("kind", ["class-map", "cls-attention", "token-norm", "grad-cam"])
def test_every_kind_of_map_can_be_asked_for(folder, kind):
    found = trained_networks.load(folder).saliency(folder / "picture.png", kind)
    assert found.shape == (8, 8)
    assert 0 <= found.min() < found.max() <= 1


def test_a_block_that_is_not_there_is_refused(folder):
    with pytest.raises(InputError) as refusal:
        trained_networks.load(folder).saliency(folder / "picture.png", block=3)
    assert str(refusal.value) == "There is no block 3 with a saliency map: the network has 3."


def test_the_picture_and_its_map_are_drawn_under_the_class(folder):
    loaded = trained_networks.load(folder)
    figure = loaded.draw(folder / "picture.png", "cls-attention", block=0)
    picture, shown = (axes.images[0].get_array() for axes in figure.axes)
    assert torch.equal(
        torch.from_numpy(picture.data), loaded.image(folder / "picture.png")[0].permute(1, 2, 0)
    )
    assert torch.equal(
        torch.from_numpy(shown.data), loaded.saliency(folder / "picture.png", "cls-attention", 0)
    )
    best = loaded.classify(folder / "picture.png")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [f"{best.index[0]} ({best.iloc[0]:.0%})", "cls-attention, block 0"]


def test_weights_that_say_nothing_of_their_network_are_refused(tmp_path):
    models.save(tiny_runs.start_of(tiny_runs.run()), tmp_path / "old.safetensors")
    (tmp_path / "text.safetensors").write_text("not weights")
    for name, text in (
        ("old.safetensors", "does not say what network it is of"),
        ("text.safetensors", "not in the format safetensors"),
        ("absent.safetensors", "this file is missing; name a run's folder or its weights."),
    ):
        with pytest.raises(InputError, match=text):
            trained_networks.load(tmp_path / name)


# timm

TOKENS = {
    "without a distillation token": None,
    "token": DistillationToken("random", position=True),
    "token without a position": DistillationToken("random", position=False),
    "token without a head": DistillationToken("random", position=True, without_head=True),
}


def loaded_of(model, seed=2):
    """A network whose every parameter matters."""
    network = models.build(model, torch.Generator().manual_seed(seed)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(
                0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel()))
            )
    settings = replace(tiny_runs.run(), model=model)
    return trained_networks.TrainedNetwork(network.requires_grad_(False), settings, tuple("abcdefghij"))


@pytest.mark.parametrize("without_final_norm", [False, True])
@pytest.mark.parametrize("name", TOKENS)
def test_a_vision_transformer_of_timm_has_the_same_logits(name, without_final_norm):
    loaded = loaded_of(
        replace(tiny_runs.MODEL, distillation_token=TOKENS[name], without_final_norm=without_final_norm)
    )
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    expected = loaded.network(images).logits
    assert expected.std() > 0.01
    torch.testing.assert_close(timm_form.convert(loaded)(images), expected, rtol=1e-4, atol=1e-5)


def test_a_network_of_timm_is_given_back_as_timm_builds_it():
    loaded = loaded_of(TimmNetwork(family="timm", name="resnet18", image_size=32, classes=10))
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(timm_form.convert(loaded)(images), loaded.network(images).logits)


def test_what_timm_does_not_have_is_refused():
    averaging = DistillationToken("random", position=True, averages_heads=True)
    with pytest.raises(InputError, match="averages two heads"):
        timm_form.convert(loaded_of(replace(tiny_runs.MODEL, distillation_token=averaging)))
    model = ConvolutionalNetwork(
        family="cnn", image_size=32, classes=10, convolutions=((8,), (8,)), hidden_width=16, dropout=0.0
    )
    with pytest.raises(InputError) as refusal:
        timm_form.convert(loaded_of(model))
    assert str(refusal.value) == "timm has no networks of the family 'cnn'."
