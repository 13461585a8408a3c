import itertools

import numpy as np
import pytest
import torch
from distillation.core.errors import UserError
from distillation.data import scaling, views
from distillation.data.augmentations.auto_augment import compute as auto_augment
from distillation.data.augmentations.erasing import RandomErasing
from distillation.data.augmentations.erasing import compute as erasing
from distillation.data.augmentations.rand_augment import RandAugment
from distillation.data.settings import AUGMENTATIONS, Augmentation, Normalization
from distillation.data.views import TrainingViews
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

RAW = Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
CIFAR = Normalization((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def training_view(*settings):
    return views.training_view(*settings).pixels


def photos(count, size=32):
    coarse = torch.rand(count, 3, 5, 5, generator=rng(1)) * 300 - 20
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic")
    return (smooth + torch.randn(smooth.shape, generator=rng(2)) * 8).clamp(0, 255).to(torch.uint8)


def grey_levels(view):
    levels = view * 255
    torch.testing.assert_close(levels, levels.round(), atol=1e-3, rtol=0)
    return levels.round().to(torch.uint8)


def coordinates(count, size=32):
    """Images whose first channel is the row and whose second is the column, both from 1."""
    rows = torch.arange(1, size + 1, dtype=torch.uint8)[:, None].expand(size, size)
    return torch.stack([rows, rows.T, torch.full_like(rows, 255)]).expand(count, 3, size, size)


def crops_and_flips(view, padding=4):
    """Offsets and flips read off views of `coordinates`."""
    levels = grey_levels(view).int()
    flips = levels[:, 1, 16, 16] < levels[:, 1, 16, 15]
    column = torch.where(flips, levels[:, 1, 16, 15], levels[:, 1, 16, 16])
    return levels[:, 0, 16, 16] - 17 + padding, column - 17 + padding, flips


def test_crops_and_flips_are_those_of_torchvision_for_every_offset():
    images = photos(162)
    grid = torch.cartesian_prod(torch.arange(9), torch.arange(9), torch.arange(2))
    result = views.crop_and_flip(images, grid[:, :2], grid[:, 2].bool(), 4, 32)
    for image, (top, left, flip), view in zip(images, grid.tolist(), result, strict=True):
        crop = functional.crop(functional.pad(image, [4]), top, left, 32, 32)
        assert torch.equal(view, functional.horizontal_flip(crop) if flip else crop)


def test_a_data_set_larger_than_a_piece_is_cropped_image_by_image():
    images = photos(700)
    offsets = torch.randint(5, (700, 2), generator=rng())
    flips = torch.rand(700, generator=rng()) < 0.5
    result = views.crop_and_flip(images, offsets, flips, 2, 32)
    for index in (0, 255, 256, 511, 512, 699):
        top, left = offsets[index].tolist()
        crop = functional.crop(functional.pad(images[index], [2]), top, left, 32, 32)
        assert torch.equal(result[index], crop.flip(-1) if flips[index] else crop)


def test_padding_is_black_before_normalization():
    white = torch.full((300, 3, 32, 32), 255, dtype=torch.uint8)
    view = training_view(white, Augmentation(crop_padding=4), 32, CIFAR, rng())
    low = -torch.tensor(CIFAR.mean) / torch.tensor(CIFAR.std)
    high = (1 - torch.tensor(CIFAR.mean)) / torch.tensor(CIFAR.std)
    is_black = torch.isclose(view, low[:, None, None], atol=1e-6)
    is_white = torch.isclose(view, high[:, None, None], atol=1e-6)
    assert (is_black ^ is_white).all()
    assert is_black[:, :, 4:-4, 4:-4].sum() == 0
    assert is_black.any(0).any(0)[0].all()


def test_every_crop_offset_is_equally_likely():
    count = 8100
    view = training_view(coordinates(count), Augmentation(crop_padding=4), 32, RAW, rng())
    rows, columns, flips = crops_and_flips(view)
    observed = torch.bincount(rows * 9 + columns, minlength=81).double()
    assert len(observed) == 81
    # 99.9 percent point of chi-square with 80 degrees of freedom.
    assert ((observed - count / 81) ** 2 / (count / 81)).sum() < 124.8
    assert not flips.any()


@pytest.mark.parametrize("probability", [0.0, 0.2, 0.5, 1.0])
def test_images_are_flipped_with_the_probability_asked_for(probability):
    view = training_view(coordinates(5000), Augmentation(flip=probability), 32, RAW, rng())
    rows, columns, flips = crops_and_flips(view, padding=0)
    assert float(flips.double().mean()) == pytest.approx(probability, abs=0.025 if 0 < probability < 1 else 0)
    assert not rows.any()
    assert not columns.any()


def test_flips_do_not_depend_on_offsets_nor_on_the_image_before():
    both = Augmentation(crop_padding=4, flip=0.5)
    rows, columns, flips = crops_and_flips(training_view(coordinates(6000), both, 32, RAW, rng()))
    samples = torch.stack([rows[1:], columns[1:], flips[1:], flips[:-1], rows[:-1]]).double()
    correlation = torch.corrcoef(samples) - torch.eye(5)
    assert correlation.abs().max() < 0.05


@pytest.mark.parametrize("auto_augmented", [0.0, 1.0])
def test_moments_per_pixel_are_those_of_torchvisions_chain_on_single_images(auto_augmented):
    count = 2500
    source = photos(1)
    chain = v2.Compose(
        [
            v2.RandomCrop(32, padding=4),
            v2.RandomHorizontalFlip(0.5),
            v2.RandomApply([v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)], auto_augmented),
            v2.Resize(16, antialias=True),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(CIFAR.mean, CIFAR.std),
        ]
    )
    torch.manual_seed(0)
    picture = functional.to_pil_image(source[0])
    theirs = torch.stack([chain(picture) for _ in range(count)])
    settings = Augmentation(4, 0.5, auto_augmented)
    ours = training_view(source.expand(count, -1, -1, -1), settings, 16, CIFAR, rng())
    error = ((theirs.var(0) + ours.var(0)) / count).sqrt()
    assert ((ours.mean(0) - theirs.mean(0)).abs() < 5 * error + 0.01).all()
    assert float((ours.std(0) / theirs.std(0)).log().abs().max()) < 0.15
    assert float((ours.std(0) / theirs.std(0)).log().mean().abs()) < 0.02


@pytest.mark.parametrize("resolution", [*range(1, 33), 33, 48, 100, 224, 256])
def test_scaled_views_have_the_grey_levels_of_pillow(resolution):
    noise = torch.randint(256, (40, 3, 32, 32), generator=rng(), dtype=torch.uint8)
    images = torch.cat([photos(100), noise, torch.full((1, 3, 32, 32), 255, dtype=torch.uint8)])
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]
    pillow = [picture.resize((resolution, resolution), Image.Resampling.BILINEAR) for picture in pictures]
    expected = torch.from_numpy(np.stack(pillow)).permute(0, 3, 1, 2)
    size = max(resolution, 32)
    assert torch.equal(grey_levels(views.plain_view(images, resolution, RAW, size)), expected)


@pytest.mark.parametrize("resolution", [12, 20, 28, 224])
def test_sums_of_a_scaled_view_are_exact_so_that_no_device_rounds_them_otherwise(resolution):
    images = torch.randint(256, (40, 3, 32, 32), generator=rng(), dtype=torch.uint8)
    weights = scaling._weights(32, resolution, torch.device("cpu")) * 2**22
    assert torch.equal(weights, weights.round())
    whole = weights.long()
    rows = (images.long() @ whole.T + 2**21) >> 22
    assert torch.equal(scaling.scaled(images, resolution), ((whole @ rows + 2**21) >> 22).to(torch.uint8))


def test_larger_images_are_augmented_at_their_size():
    images, settings = photos(5), Augmentation(crop_padding=28, flip=0.5)
    large = TrainingViews(settings, RAW, "scale", 224, batch_size=5)
    [batch] = large.batches(images, 224, rng())
    expected = views.training_view(views.whole(images, 224), settings, 224, RAW, rng())
    assert torch.equal(batch.pixels, expected.pixels)
    assert torch.equal(batch.flips, expected.flips)
    assert batch.pixels.shape == (5, 3, 224, 224)


def test_views_that_do_not_fit_into_the_memory_together_are_made_one_after_the_other(monkeypatch):
    images, settings = photos(23), Augmentation(4, 0.5, 0.5, ERASING)
    monkeypatch.setattr(views, "VIEWS_AT_ONCE", 2 * 4 * 3 * 16**2 * 4)
    in_parts = TrainingViews(settings, CIFAR, "scale", 32, batch_size=4)
    generator = rng()
    found = [(each.pixels.clone(), each.flips) for each in in_parts.batches(images, 16, generator)]
    assert [len(pixels) for pixels, _ in found] == [4, 4, 4, 4, 4, 3]
    expected, again = [], rng()
    for part in images.split(8):
        view = views.training_view(part, settings, 16, CIFAR, again)
        expected += zip(view.pixels.split(4), view.flips.split(4), strict=True)
    for one, other in zip(found, expected, strict=True):
        assert all(map(torch.equal, one, other))
    assert torch.equal(generator.get_state(), again.get_state())


def test_the_views_of_small_images_are_made_at_once_however_many_there_are():
    made = views.VIEWS_AT_ONCE // (3 * 32**2 * 4)
    assert made > 60_000


def test_at_full_size_nothing_is_resampled():
    images = photos(300)
    assert torch.equal(grey_levels(views.plain_view(images, 32, RAW)), images)


def test_normalization_is_torchvisions_bit_for_bit():
    images = photos(300)
    pixels = functional.to_dtype(images, torch.float32, scale=True)
    view = views.plain_view(images, 32, CIFAR)
    assert torch.equal(view, functional.normalize(pixels, list(CIFAR.mean), list(CIFAR.std)))
    assert view.dtype == torch.float32


def test_augmentation_happens_at_full_size_and_scaling_comes_after():
    settings = Augmentation(4, 0.5, 1.0)
    full = grey_levels(training_view(photos(400), settings, 32, RAW, rng()))
    scaled = training_view(photos(400), settings, 16, RAW, rng())
    assert torch.equal(scaled, views.plain_view(full, 16, RAW))


def test_without_augmentation_the_training_view_is_the_plain_view():
    images = photos(300)
    view = training_view(images, Augmentation(), 24, CIFAR, rng())
    assert torch.equal(view, views.plain_view(images, 24, CIFAR))


def test_the_same_seed_gives_the_same_bits_and_another_seed_or_call_does_not():
    images, settings = photos(300), Augmentation(4, 0.5, 0.5)
    generator = rng(7)
    first, second = (training_view(images, settings, 24, CIFAR, generator) for _ in range(2))
    assert torch.equal(first, training_view(images, settings, 24, CIFAR, rng(7)))
    assert not torch.equal(first, second)
    assert not torch.equal(first, training_view(images, settings, 24, CIFAR, rng(8)))


def test_auto_augment_leaves_crops_and_flips_as_they_were(monkeypatch):
    images, plain = coordinates(500), Augmentation(4, 0.5)
    expected = grey_levels(training_view(images, plain, 32, RAW, rng()))
    received = []
    monkeypatch.setattr(auto_augment, "apply", lambda view, draws: received.append(view) or view)
    training_view(images, Augmentation(4, 0.5, 0.5), 32, RAW, rng())
    assert torch.equal(received[0], expected)


def test_switching_crop_or_flip_off_leaves_the_other_and_auto_augment_as_they_were():
    images = coordinates(500)
    rows, columns, flips = crops_and_flips(
        training_view(images, Augmentation(4, 0.5), 32, RAW, rng()), padding=4
    )
    crop_only = crops_and_flips(training_view(images, Augmentation(4), 32, RAW, rng()))
    flip_only = crops_and_flips(training_view(images, Augmentation(0, 0.5), 32, RAW, rng()), padding=0)
    assert torch.equal(crop_only[0], rows)
    assert torch.equal(crop_only[1], columns)
    assert torch.equal(flip_only[2], flips)


def test_the_generator_advances_alike_whatever_is_switched_on():
    states = []
    for settings in (Augmentation(), Augmentation(4), Augmentation(4, 0.5, 1.0)):
        generator = rng()
        training_view(photos(20), settings, 32, RAW, generator)
        states.append(generator.get_state())
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[0], states[2])


def test_auto_augment_is_applied_to_each_image_independently_with_its_probability():
    images = photos(3000)
    never, sometimes, always = (
        training_view(images, Augmentation(4, 0.5, share), 32, RAW, rng()) for share in (0.0, 0.3, 1.0)
    )
    equal_to_never = (sometimes == never).flatten(1).all(1)
    equal_to_always = (sometimes == always).flatten(1).all(1)
    assert (equal_to_never | equal_to_always).all()
    telling = ~((never == always).flatten(1).all(1))
    assert telling.double().mean() > 0.6
    applied = equal_to_always[telling].double()
    assert float(applied.mean()) == pytest.approx(0.3, abs=0.04)
    assert abs(float(torch.corrcoef(torch.stack([applied[1:], applied[:-1]]))[0, 1])) < 0.08


def test_the_images_handed_in_are_not_changed():
    images = photos(300)
    before = images.clone()
    for resolution in (32, 16):
        training_view(images, Augmentation(4, 0.5, 1.0), resolution, CIFAR, rng())
        training_view(images, Augmentation(), resolution, CIFAR, rng())
    assert torch.equal(images, before)


def test_no_pixels_and_crops_larger_than_the_images_are_refused():
    message = "A stage resolution of {} px is impossible with images of 32 px.*choose 1 to 32"
    with pytest.raises(UserError, match=message.format(0)):
        views.plain_view(photos(2), 0, RAW)
    with pytest.raises(UserError, match=message.format(0)):
        training_view(photos(2), Augmentation(), 0, RAW, rng())
    with pytest.raises(UserError, match=message.format(33)):
        training_view(photos(2), Augmentation(), 33, RAW, rng(), "crop")
    with pytest.raises(UserError, match=message.format(33)):
        views.validation_view(photos(2), "crop", 33, RAW)


def test_a_larger_view_is_the_augmented_image_enlarged_as_pillow_does():
    images, settings = photos(20), Augmentation(4, 0.5)
    view = grey_levels(training_view(images, settings, 64, RAW, rng()))
    own_size = grey_levels(training_view(images, settings, 32, RAW, rng()))
    for found, image in zip(view, own_size, strict=True):
        pillow = Image.fromarray(image.permute(1, 2, 0).numpy()).resize((64, 64), Image.Resampling.BILINEAR)
        assert torch.equal(found.permute(1, 2, 0), torch.from_numpy(np.array(pillow)))


# What a stage shows


def test_at_twelve_pixels_described_shows_the_whole_image_and_released_a_part_at_full_scale():
    images, settings = coordinates(400), Augmentation(crop_padding=4)
    described = grey_levels(training_view(images, settings, 12, RAW, rng())).int()
    released = grey_levels(training_view(images, settings, 12, RAW, rng(), "crop")).int()
    # Rows are numbered from 1, padding is 0: a scaled image spans nearly all rows, a crop twelve of them.
    whole, part = (view[:, 0].amax(2) for view in (described, released))
    assert (whole.amax(1) - whole.amin(1)).min() >= 24
    inside = part.amin(1) > 0
    assert 0.5 < inside.double().mean() < 1
    assert (part[inside].diff(dim=1) == 1).all()


def test_crops_show_padding_as_often_as_their_offsets_say():
    # Of 29 offsets a side, 4 to 24 keep a crop of 12 px inside the image: (21 / 29) squared.
    view = grey_levels(training_view(coordinates(6000), Augmentation(4), 12, RAW, rng(), "crop"))
    whole = (view[:, 2] == 255).flatten(1).all(1).double().mean()
    assert float(whole) == pytest.approx((21 / 29) ** 2, abs=0.02)


def test_crops_and_flips_of_a_stage_are_those_of_torchvision_for_every_offset():
    images = photos(50)
    grid = torch.cartesian_prod(torch.arange(29), torch.arange(29), torch.arange(2))[::37]
    images = images[torch.arange(len(grid)) % 50]
    result = views.crop_and_flip(images, grid[:, :2], grid[:, 2].bool(), 4, 12)
    for image, (top, left, flip), view in zip(images, grid.tolist(), result, strict=True):
        crop = functional.crop(functional.pad(image, [4]), top, left, 12, 12)
        assert torch.equal(view, functional.horizontal_flip(crop) if flip else crop)


def test_at_full_size_a_crop_is_the_scaled_view():
    images, settings = photos(300), Augmentation(4, 0.5, 0.5)
    one, other = (training_view(images, settings, 32, CIFAR, rng(), kind) for kind in ("scale", "crop"))
    assert torch.equal(one, other)


def test_scaling_first_pads_and_crops_the_small_image():
    images, settings = photos(300), Augmentation(4, 0.5)
    view = training_view(images, settings, 12, RAW, rng(), "scale-then-crop")
    small = scaling.scaled(images, 12)
    again = training_view(small, settings, 12, RAW, rng())
    assert torch.equal(view, again)


def test_the_validation_shows_whole_images_scaled_or_their_centres():
    images = photos(300)
    assert torch.equal(views.validation_view(images, "scale", 12, CIFAR), views.plain_view(images, 12, CIFAR))
    centre = grey_levels(views.validation_view(images, "crop", 12, RAW))
    assert torch.equal(centre, images[:, :, 10:22, 10:22])


def test_augmentations_that_can_be_used_together_draw_from_streams_of_their_own():
    values = {"auto_augment": 0.5, "weak_auto_augment": 0.5, "rand_augment": RANDOM, "erasing": ERASING}
    assert values.keys() == AUGMENTATIONS.keys()
    for used in itertools.chain.from_iterable(itertools.combinations(values, count) for count in range(5)):
        streams = [0, 1, *(stream for name in used for stream in AUGMENTATIONS[name].STREAMS)]
        refused = list(Augmentation(**{name: values[name] for name in used}).problems())
        assert bool(refused) == (len(streams) > len(set(streams)))


def test_further_streams_leave_the_first_as_they_were():
    few, more = (views._children(rng(), count) for count in (5, 9))
    assert [one.initial_seed() for one in few] == [one.initial_seed() for one in more[:5]]


# Random erasing

ERASING = RandomErasing(0.2, (0.02, 0.2), (0.3, 3.3))
RANDOM = RandAugment(operations=2, magnitude=9)


def erased(count=4000, side=32, settings=ERASING):
    """Which pixels of white images were set to 0, bool [N, side, side]."""
    images = torch.ones(count, 3, side, side)
    erasing.erase(images, settings, rng())
    assert torch.equal(images[:, 0], images[:, 1])
    return images[:, 0] == 0


def test_a_share_of_the_images_loses_one_rectangle():
    gone = erased()
    hit = gone.flatten(1).any(1)
    assert float(hit.double().mean()) == pytest.approx(0.2, abs=0.02)
    rows, columns = gone[hit].any(2).sum(1), gone[hit].any(1).sum(1)
    assert torch.equal(gone[hit].flatten(1).sum(1), rows * columns)


@pytest.mark.parametrize("side", [12, 32])
def test_rectangles_are_distributed_as_torchvisions(side):
    always = RandomErasing(1.0, ERASING.scale, ERASING.ratio)
    ours = erased(3000, side, always)
    torch.manual_seed(0)
    chain = v2.RandomErasing(p=1.0, scale=ERASING.scale, ratio=ERASING.ratio)
    theirs = torch.stack([chain(torch.ones(3, side, side))[0] for _ in range(3000)]) == 0
    for measure in (
        lambda gone: gone.flatten(1).double().mean(1),
        lambda gone: gone.any(2).double().mean(1),
        lambda gone: gone.any(1).double().mean(1),
    ):
        one, other = measure(ours), measure(theirs)
        error = ((one.var() + other.var()) / 3000).sqrt()
        assert abs(float(one.mean() - other.mean())) < 4 * float(error)
        assert float(one.std() / other.std()) == pytest.approx(1, abs=0.05)
    error = (theirs.double().var(0) / 1500).sqrt()
    assert ((ours.double().mean(0) - theirs.double().mean(0)).abs() < 5 * error + 0.01).all()


def test_erasing_comes_last_and_leaves_crops_flips_and_auto_augment_as_they_were():
    images = photos(500)
    plain = training_view(images, Augmentation(4, 0.5, 0.5), 16, CIFAR, rng())
    view = training_view(images, Augmentation(4, 0.5, 0.5, ERASING), 16, CIFAR, rng())
    kept = view != 0
    assert torch.equal(view[kept], plain[kept])
    assert (~kept).flatten(1).any(1).double().mean() > 0.1
