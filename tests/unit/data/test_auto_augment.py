from collections import Counter
from dataclasses import replace

import pytest
import torch
from distillation.data import level_operations
from distillation.data.augmentations.auto_augment import compute as auto_augment
from distillation.data.augmentations.weak_auto_augment import compute as weak_auto_augment
from torchvision.transforms import v2

SEEDS = 2000
SIGNED = {"ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast", "Sharpness"}


def photos(count, height=32, width=32):
    """Smooth gradients with noise: flat, dark, bright and textured regions all occur."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(count, 3, 4, 4, generator=generator) * 300 - 20
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    noise = torch.randn(count, 3, height, width, generator=generator) * 8
    return (smooth + noise).clamp(0, 255).to(torch.uint8)


def as_torchvision_draws(seed):
    """What v2.AutoAugment draws from the global generator after the seed, in its order."""
    torch.manual_seed(seed)
    sub_policy = int(torch.randint(25, ()))
    applied, sign = [False, False], [1, 1]
    for step, (name, probability, _) in enumerate(auto_augment.POLICY[sub_policy]):
        applied[step] = bool(torch.rand(()) <= probability)
        if applied[step] and name in SIGNED:
            sign[step] = -1 if torch.rand(()) <= 0.5 else 1
    return sub_policy, applied, sign


def forced_draws(seeds):
    sub_policy, applied, sign = zip(*map(as_torchvision_draws, seeds), strict=True)
    return auto_augment.Draws(
        torch.tensor(sub_policy), torch.tensor(applied), torch.tensor(sign, dtype=torch.int8)
    )


@pytest.fixture(scope="module")
def large():
    return auto_augment.draw(100_000, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("seeds", "height", "width"),
    [(SEEDS, 32, 32), (300, 20, 28), (100, 22, 26), (100, 25, 26), (100, 25, 27)],
)
def test_the_same_draws_give_the_same_bits_as_torchvision(seeds, height, width):
    images = photos(seeds, height, width)
    ours = auto_augment.apply(images, forced_draws(range(seeds)))
    torchvision = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)
    for seed, image in enumerate(images):
        torch.manual_seed(seed)
        assert torch.equal(ours[seed], torchvision(image)), as_torchvision_draws(seed)


def test_the_comparison_with_torchvision_covers_every_sub_policy_step_and_sign():
    draws = forced_draws(range(SEEDS))
    seen = set()
    for row, applied, sign in zip(draws.sub_policy.tolist(), draws.applied, draws.sign, strict=True):
        for step in applied.nonzero().flatten().tolist():
            seen.add((row, step, int(sign[step])))
    for row, pair in enumerate(auto_augment.POLICY):
        for step, (name, probability, _) in enumerate(pair):
            signs = ({-1, 1} if name in SIGNED else {1}) if probability else set()
            assert {sign for sign in (-1, 1) if (row, step, sign) in seen} == signs, (row, step)


def test_an_image_does_not_depend_on_the_others_beside_it():
    images = photos(600)
    draws = auto_augment.draw(600, torch.Generator().manual_seed(5))
    together = auto_augment.apply(images, draws)
    for index in range(0, 600, 7):
        one = slice(index, index + 1)
        alone = auto_augment.Draws(draws.sub_policy[one], draws.applied[one], draws.sign[one])
        assert torch.equal(auto_augment.apply(images[one], alone)[0], together[index])


def test_the_order_of_the_bytes_in_memory_does_not_matter():
    images = photos(300)
    draws = auto_augment.draw(300, torch.Generator().manual_seed(5))
    channels_last = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(auto_augment.apply(channels_last, draws), auto_augment.apply(images, draws))


def test_nothing_applied_leaves_every_image_as_it_is_in_a_new_tensor():
    images = photos(50)
    draws = auto_augment.draw(50, torch.Generator().manual_seed(5))
    view = auto_augment.apply(images, replace(draws, applied=torch.zeros_like(draws.applied)))
    assert torch.equal(view, images)
    assert view.data_ptr() != images.data_ptr()


def test_the_images_handed_in_are_not_changed():
    images = photos(200)
    before = images.clone()
    auto_augment.apply(images, auto_augment.draw(200, torch.Generator().manual_seed(5)))
    assert torch.equal(images, before)


def test_sub_policies_are_drawn_uniformly(large):
    counts = torch.bincount(large.sub_policy, minlength=25).double()
    # 99.9 percent point of chi-square with 24 degrees of freedom.
    assert ((counts - 4000) ** 2 / 4000).sum() < 51.2


def test_each_operation_takes_place_with_its_probability(large):
    for row, pair in enumerate(auto_augment.POLICY):
        rates = large.applied[large.sub_policy == row].double().mean(0).tolist()
        assert rates == pytest.approx([probability for _, probability, _ in pair], abs=0.03)


def test_an_operation_of_probability_zero_never_takes_place(large):
    zero = [(row, step) for row in range(25) for step in range(2) if auto_augment.POLICY[row][step][1] == 0]
    assert zero == [(14, 1)]
    assert not large.applied[large.sub_policy == 14, 1].any()


def test_the_two_operations_of_a_sub_policy_are_drawn_independently(large):
    counts = Counter(map(tuple, large.applied[large.sub_policy == 10].tolist()))
    assert counts[True, True] / counts.total() == pytest.approx(0.7 * 0.5, abs=0.03)


def test_signs_are_fair_and_independent_of_everything_else(large):
    signs = large.sign.double()
    assert set(large.sign.unique().tolist()) == {-1, 1}
    assert signs.mean(0).tolist() == pytest.approx([0, 0], abs=0.015)
    assert float((signs[:, 0] * signs[:, 1]).mean()) == pytest.approx(0, abs=0.015)
    assert float(signs[large.applied].mean()) == pytest.approx(0, abs=0.015)


def test_the_same_generator_state_gives_the_same_draws():
    first, second = (auto_augment.draw(100, torch.Generator().manual_seed(9)) for _ in range(2))
    other = auto_augment.draw(100, torch.Generator().manual_seed(10))
    assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in vars(first))
    assert not torch.equal(first.sub_policy, other.sub_policy)


def test_weak_auto_augment_is_the_policy_with_its_magnitudes_multiplied():
    images = torch.randint(
        256, (200, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )

    def weakened(strength):
        return weak_auto_augment.augment(images, strength, [torch.Generator().manual_seed(1)])

    draws = auto_augment.draw(200, torch.Generator().manual_seed(1))
    assert torch.equal(weakened(1.0), auto_augment.apply(images, draws))
    changed = [(weakened(strength).float() - images).abs().mean() for strength in (0.25, 0.5, 1.0)]
    assert changed[0] < changed[1] < changed[2]


@pytest.mark.parametrize(
    ("name", "level", "strength", "expected"),
    [
        ("Rotate", 9, 0.5, 15.0),
        ("Posterize", 9, 0.5, 6.0),
        ("Solarize", 9, 0.25, 0.75),
        ("Invert", 9, 0.5, 0.0),
    ],
)
def test_a_weaker_operation_is_nearer_to_no_change(name, level, strength, expected):
    operation = level_operations.OPERATIONS[name]
    magnitude = operation.magnitude(level, auto_augment.LEVELS, 32, 32, strength)
    assert magnitude == pytest.approx(expected)
