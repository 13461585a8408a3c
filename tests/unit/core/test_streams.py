import itertools

import pytest
import torch
from distillation.core import streams


@pytest.mark.parametrize(
    ("arguments", "seed"),
    [
        ((0,), 3456079177858693020),
        ((0, "init"), 1519069808562059438),
        ((0, "order", 1), 4489457307835839548),
        ((42, "views", 60), 4381821478292041298),
        ((2, "dropout", 135), 975489830383684642),
    ],
)
def test_a_seed_is_the_published_one(arguments, seed):
    assert streams.derive(*arguments) == seed


def test_a_seed_fits_the_generators_of_torch_and_numpy():
    seeds = [streams.derive(seed, "order", epoch) for seed in range(20) for epoch in range(20)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62


def test_seeds_purposes_and_epochs_have_streams_of_their_own():
    purposes = ("init", "order", "views", "dropout", "mixing")
    names = list(itertools.product(range(5), purposes, range(1, 136)))
    assert len({streams.derive(*name) for name in names}) == len(names)


def test_an_epoch_is_no_digit_of_the_seed():
    assert len({streams.derive(1, 11), streams.derive(11, 1), streams.derive(111)}) == 3


def draws(make):
    """The first draws of a torch or numpy generator."""
    generator = make()
    if isinstance(generator, torch.Generator):
        return torch.randint(2**62, (5,), generator=generator).tolist()
    return generator.integers(2**62, size=5).tolist()


@pytest.mark.parametrize("make", [streams.generator, streams.numpy_generator])
def test_equal_names_give_equal_draws_and_others_give_others(make):
    first = draws(lambda: make(0, "order", 1))
    assert draws(lambda: make(0, "order", 1)) == first
    for names in ((1, "order", 1), (0, "views", 1), (0, "order", 2)):
        assert not set(draws(lambda names=names: make(*names))) & set(first)


def test_a_generator_leaves_the_global_one_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    torch.rand(9, generator=streams.generator(0, "order", 1))
    assert torch.equal(torch.rand(3), expected)


def test_a_generator_draws_on_the_cpu():
    assert streams.generator(0, "order", 1).device.type == "cpu"
