import numpy as np
import pytest
import torch
from distillation.core.errors import UserError
from distillation.data.augmentations.mixing import Mixing
from distillation.data.augmentations.mixing import compute as mixing
from pydantic import ValidationError
from torchvision.transforms import v2

STEPS = 20_000


def draws(steps=STEPS, cutmix_share=0.5, mixup_alpha=0.2, cutmix_alpha=1.0, size=32, seed=0):
    settings = Mixing(mixup_alpha, cutmix_alpha, cutmix_share)
    return mixing.plan(steps, 128, settings, size, np.random.default_rng(seed))


def batch(size=16, count=6):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(3))


def torchvision_params(draw, count):
    params = {
        "labels": torch.arange(count),
        "batch_size": count,
        "lam": draw.share,
        "lam_adjusted": draw.share,
    }
    if draw.box:
        top, bottom, left, right = draw.box
        params["box"] = (left, top, right, bottom)
    return params


def test_mixup_is_bit_for_bit_that_of_torchvision():
    images = batch()
    for draw in draws(20, cutmix_share=0.0):
        expected = v2.MixUp(num_classes=6).transform(images, torchvision_params(draw, 6))
        assert torch.equal(mixing.mix(images, draw), expected)


def test_cutmix_is_bit_for_bit_that_of_torchvision():
    images = batch()
    for draw in draws(50, cutmix_share=1.0, size=16):
        expected = v2.CutMix(num_classes=6).transform(images, torchvision_params(draw, 6))
        assert torch.equal(mixing.mix(images, draw), expected)


def test_the_weight_of_the_own_labels_is_exactly_the_share_of_own_pixels_in_cutmix():
    labels = torch.arange(6)
    images = labels.float()[:, None, None, None].expand(-1, 3, 16, 16)
    for draw in draws(200, cutmix_share=1.0, size=16):
        mixed = mixing.mix(images, draw)
        own = mixed == labels[:, None, None, None]
        assert (own | (mixed == labels.roll(1)[:, None, None, None])).all()
        assert (own.double().mean((1, 2, 3)) == draw.share).all()


def test_a_mixup_batch_weighs_own_and_previous_image():
    images = batch()
    mixed = mixing.mix(images, mixing.StepDraw(0.25, None))
    torch.testing.assert_close(mixed[0], 0.25 * images[0] + 0.75 * images[-1])
    torch.testing.assert_close(mixed[4], 0.25 * images[4] + 0.75 * images[3])


@pytest.mark.parametrize("draw", [mixing.StepDraw(0.25, None), mixing.StepDraw(0.75, (0, 8, 8, 16))])
def test_the_batch_handed_in_is_not_changed(draw):
    images = batch()
    before = images.clone()
    mixing.mix(images, draw)
    assert torch.equal(images, before)


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_shares_of_mixup_follow_the_beta_distribution(alpha):
    shares = np.array([draw.share for draw in draws(cutmix_share=0.0, mixup_alpha=alpha)])
    assert shares.mean() == pytest.approx(0.5, abs=0.01)
    assert shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), abs=0.003)
    assert ((shares >= 0) & (shares <= 1)).all()


def test_the_alpha_of_cutmix_decides_the_size_of_its_boxes_only():
    # With a large alpha the share before clipping is one half, so the largest box has that area.
    mixed = draws(2000, cutmix_alpha=1e6, mixup_alpha=1.0, size=64)
    smallest = min(draw.share for draw in mixed if draw.box)
    assert smallest == pytest.approx(0.5, abs=0.03)
    mixups = np.array([draw.share for draw in mixed if not draw.box])
    assert mixups.var() == pytest.approx(1 / 12, abs=0.01)


def test_cutmix_and_mixup_alternate_with_the_probability_asked_for():
    share = np.mean([draw.box is not None for draw in draws(cutmix_share=0.3)])
    assert share == pytest.approx(0.3, abs=0.015)


def test_cutmix_boxes_follow_torchvisions_construction_around_a_uniform_centre():
    # Boxes at this alpha have sides of 2 * int(16 * sqrt(0.5)) = 22 px before clipping at the edges.
    boxes = np.array([draw.box for draw in draws(cutmix_share=1.0, cutmix_alpha=1e9)])
    counts = np.zeros(33)
    for top, bottom, left, right in boxes:
        assert top == 0 or bottom == 32 or bottom - top == 22
        assert left == 0 or right == 32 or right - left == 22
        counts[bottom] += 1
    # The bottom edge is min(centre + 11, 32): 11 to 31 once per centre, 32 for the other eleven.
    assert np.allclose(counts[11:32] / STEPS, 1 / 32, atol=0.006)
    assert counts[32] / STEPS == pytest.approx(11 / 32, abs=0.015)


def test_the_same_generator_state_gives_the_same_plan_and_another_a_different_one():
    assert draws(50, seed=4) == draws(50, seed=4)
    assert draws(50, seed=4) != draws(50, seed=5)


def test_one_draw_is_planned_for_every_step():
    assert len(draws(7)) == 7


def test_batches_of_one_image_cannot_be_mixed():
    with pytest.raises(UserError, match="at least 2 images, batch_size is 1"):
        mixing.plan(3, 1, Mixing(0.2, 1.0, 0.5), 32, np.random.default_rng(0))


@pytest.mark.parametrize("alphas", [(0.0, 1.0), (-1.0, 1.0), (0.2, 0.0), (0.2, float("nan"))])
def test_both_alphas_must_be_positive_numbers(alphas):
    with pytest.raises(ValidationError, match=r"greater than 0|finite number"):
        Mixing(*alphas, 0.5)


def test_a_share_of_0_or_1_gives_one_of_the_two():
    assert all(draw.box for draw in draws(3, cutmix_share=1.0))
    assert not any(draw.box for draw in draws(3, cutmix_share=0.0))
