import pytest
import torch
from distillation.data import level_operations, views
from distillation.data.augmentations.rand_augment import RandAugment
from distillation.data.augmentations.rand_augment import compute as rand_augment
from distillation.data.settings import Augmentation, Normalization
from test_auto_augment import photos
from torchvision.transforms import v2

SEEDS = 500
STEPS = 2
SIGNED = {name for name, (_, signed) in v2.RandAugment._AUGMENTATION_SPACE.items() if signed}
RAW = Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def as_torchvision_draws(seed):
    """What v2.RandAugment draws from the global generator after the seed, in its order."""
    torch.manual_seed(seed)
    operation, sign = [0] * STEPS, [1] * STEPS
    for step in range(STEPS):
        operation[step] = int(torch.randint(14, ()))
        if rand_augment.OPERATIONS[operation[step]] in SIGNED:
            sign[step] = -1 if torch.rand(()) <= 0.5 else 1
    return operation, sign


def forced_draws(seeds):
    operation, sign = zip(*map(as_torchvision_draws, seeds), strict=True)
    return rand_augment.Draws(torch.tensor(operation), torch.tensor(sign, dtype=torch.int8))


def training_view(images, augmentation, generator):
    return views.training_view(images, augmentation, 32, RAW, generator).pixels


@pytest.fixture(scope="module")
def large():
    return rand_augment.draw(100_000, STEPS, rng())


@pytest.mark.parametrize(
    ("magnitude", "height", "width"),
    [(0, 32, 32), (1, 32, 32), (9, 32, 32), (15, 25, 27), (16, 20, 28), (29, 22, 26), (30, 32, 32)],
)
def test_the_same_draws_give_the_same_bits_as_torchvision(magnitude, height, width):
    images = photos(SEEDS, height, width)
    ours = rand_augment.apply(images, forced_draws(range(SEEDS)), magnitude)
    torchvision = v2.RandAugment(num_ops=STEPS, magnitude=magnitude, num_magnitude_bins=31)
    for seed, image in enumerate(images):
        torch.manual_seed(seed)
        assert torch.equal(ours[seed], torchvision(image)), as_torchvision_draws(seed)


def test_the_comparison_with_torchvision_covers_every_operation_step_and_sign():
    draws = forced_draws(range(SEEDS))
    assert tuple(v2.RandAugment._AUGMENTATION_SPACE) == rand_augment.OPERATIONS
    for step in range(STEPS):
        seen = set(zip(draws.operation[:, step].tolist(), draws.sign[:, step].tolist(), strict=True))
        for index, name in enumerate(rand_augment.OPERATIONS):
            assert {sign for sign in (-1, 1) if (index, sign) in seen} == ({-1, 1} if name in SIGNED else {1})


@pytest.mark.parametrize("magnitude", range(31))
def test_every_magnitude_of_every_operation_is_torchvisions(magnitude):
    for name, (magnitudes, signed) in v2.RandAugment._AUGMENTATION_SPACE.items():
        operation, theirs = level_operations.OPERATIONS[name], magnitudes(31, 32, 28)
        ours = operation.magnitude(magnitude, 31, 32, 28)
        if theirs is None:
            assert operation.span is None
        else:
            assert float(theirs[magnitude]) == (round(ours) if name == "Posterize" else ours), name
        assert operation.signed == signed, name


def test_a_magnitude_between_two_whole_ones_lies_between_theirs():
    rotate = level_operations.OPERATIONS["Rotate"]
    found = [rotate.magnitude(level, 31, 32, 32) for level in (9.0, 9.25, 9.5, 10.0)]
    assert found == pytest.approx([9, 9.25, 9.5, 10])


def test_at_magnitude_0_only_the_operations_without_a_magnitude_change_an_image_without_white_pixels():
    images = photos(1400).clamp(max=254)
    operation = torch.arange(1400)[:, None] % 14
    for sign in (-1, 1):
        signs = torch.full_like(operation, sign, dtype=torch.int8)
        changed = rand_augment.apply(images, rand_augment.Draws(operation, signs), 0) != images
        found = {rand_augment.OPERATIONS[index] for index in operation[changed.flatten(1).any(1)]}
        assert found == {"AutoContrast", "Equalize"}


def test_operations_take_place_in_the_order_in_which_they_are_drawn():
    images = photos(300)
    draws = rand_augment.draw(300, 3, rng(5))
    view = images
    for step in range(3):
        one = slice(step, step + 1)
        view = rand_augment.apply(view, rand_augment.Draws(draws.operation[:, one], draws.sign[:, one]), 9)
    assert torch.equal(rand_augment.apply(images, draws, 9), view)


def test_an_image_does_not_depend_on_the_others_beside_it():
    images = photos(600)
    draws = rand_augment.draw(600, STEPS, rng(5))
    together = rand_augment.apply(images, draws, 9)
    for index in range(0, 600, 7):
        one = slice(index, index + 1)
        alone = rand_augment.Draws(draws.operation[one], draws.sign[one])
        assert torch.equal(rand_augment.apply(images[one], alone, 9)[0], together[index])


def test_operations_are_drawn_uniformly_and_independently(large):
    first, second = large.operation.unbind(1)
    counts = torch.bincount(14 * first + second, minlength=196).double()
    expected = 100_000 / 196
    # 99.9 percent point of chi-square with 195 degrees of freedom.
    assert len(counts) == 196
    assert ((counts - expected) ** 2 / expected).sum() < 261


def test_signs_are_fair_and_independent_of_everything_else(large):
    signs = large.sign.double()
    assert set(large.sign.unique().tolist()) == {-1, 1}
    assert signs.mean(0).tolist() == pytest.approx([0, 0], abs=0.015)
    assert float((signs[:, 0] * signs[:, 1]).mean()) == pytest.approx(0, abs=0.015)
    for index in range(14):
        assert float(signs[large.operation == index].mean()) == pytest.approx(0, abs=0.04)


def test_the_same_generator_state_gives_the_same_images():
    images, own = photos(200), RandAugment(operations=2, magnitude=9)
    before = images.clone()
    first, second, other = (rand_augment.augment(images, own, [rng(seed)]) for seed in (9, 9, 10))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(images, before)


def test_the_generator_advances_alike_whatever_the_magnitude_and_the_images():
    states = []
    for images, magnitude in ((photos(20), 0), (photos(20), 30), (photos(20, 20, 28), 9.5)):
        generator = rng()
        rand_augment.augment(images, RandAugment(operations=2, magnitude=magnitude), [generator])
        states.append(generator.get_state())
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[0], states[2])


def test_a_training_view_is_changed_more_by_more_operations_and_magnitude():
    images = photos(400)
    plain = training_view(images, Augmentation(), rng())

    def change(operations, magnitude):
        settings = Augmentation(rand_augment=RandAugment(operations=operations, magnitude=magnitude))
        return float((training_view(images, settings, rng()) - plain).abs().mean())

    assert 0 < change(1, 3) < change(1, 9) < change(2, 9) < change(2, 30)


def test_crops_and_flips_of_a_training_view_stay_as_they_were(monkeypatch):
    images, received = photos(300), []
    monkeypatch.setattr(rand_augment, "apply", lambda view, *_: received.append(view) or view)
    own = RandAugment(operations=2, magnitude=9)
    view = training_view(images, Augmentation(4, 0.5, rand_augment=own), rng())
    assert len(received) == 1
    assert torch.equal(view, training_view(images, Augmentation(4, 0.5), rng()))


@pytest.mark.parametrize("other", ["auto_augment", "weak_auto_augment"])
def test_it_is_refused_beside_either_form_of_auto_augment_with_ways_to_leave_one_of_them_out(other):
    both = Augmentation(rand_augment=RandAugment(operations=2, magnitude=9), **{other: 0.5})
    first, second = sorted(("rand_augment", other))
    ways = {"rand_augment": "`rand_augment: null`"}
    expected = " or ".join(ways.get(name, f"`{name}: 0`") for name in (first, second))
    assert list(both.problems()) == [
        f"{second}: it cannot be used beside {first}; leave one of them out ({expected})"
    ]


@pytest.mark.parametrize(
    ("operations", "magnitude", "words"),
    [
        (1, 9.5, "flip 0.5, RandAugment with 1 operation at 9.5 of 30"),
        (2, 9, "flip 0.5, RandAugment with 2 operations at 9 of 30"),
    ],
)
def test_the_page_of_switches_says_how_many_operations_at_which_magnitude(operations, magnitude, words):
    own = RandAugment(operations=operations, magnitude=magnitude)
    assert Augmentation(flip=0.5, rand_augment=own).words == words
