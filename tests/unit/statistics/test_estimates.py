"""Quantities over seeds."""

import pytest
from distillation.statistics.estimates import estimate
from distillation.statistics.quantities import Contrast, Count, Percentage, Ratio, Sample, Share
from distillation.statistics.training_seeds import TrainingSeed


def difference(one, other):
    return Contrast(((1.0, Share(round(100 * one), 10_000)), (-1.0, Share(round(100 * other), 10_000))))


def test_three_seeds_have_mean_spread_and_students_interval():
    accuracies = {2: 80, 0: 79, 1: 81}
    found = estimate({TrainingSeed(seed): difference(one, 78) for seed, one in accuracies.items()})
    assert list(found.values.values()) == pytest.approx([1, 3, 2])
    assert [seed.number for seed in found.values] == [0, 1, 2]
    assert (found.mean, found.std, found.method) == (pytest.approx(2), pytest.approx(1), "t over seeds")
    reach = 4.302653 / 3**0.5
    assert (found.low, found.high) == (pytest.approx(2 - reach), pytest.approx(2 + reach))
    assert found.smallest == pytest.approx(reach)


def test_a_single_seed_has_the_binomial_interval_and_no_spread():
    found = estimate({TrainingSeed(0): difference(77.12, 76.70)})
    assert (found.std, found.method) == (None, "binomial")
    # The standard error of the difference of two accuracies of 77 % is 0.597 points.
    assert (found.low, found.high) == pytest.approx((0.42 - 1.169, 0.42 + 1.169), abs=0.01)


def test_a_single_ratio_has_a_binomial_interval_in_percent():
    found = estimate({TrainingSeed(0): Ratio(Share(7000, 10_000), Share(8000, 10_000))})
    assert found.mean == 87.5
    assert (found.low, found.high) == pytest.approx((85.98, 89.05), abs=0.2)
    assert found.method == "binomial"


def test_what_only_seeds_can_tell_has_no_interval_from_a_single_one():
    found = estimate({TrainingSeed(0): Sample(0.3)})
    assert (found.low, found.high, found.smallest, found.method) == (None, None, None, "one seed")


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_count_is_exact(seeds):
    found = estimate({TrainingSeed(seed): Count(47.5) for seed in range(seeds)})
    assert (found.low, found.high, found.smallest, found.method) == (47.5, 47.5, 0.0, "counted")


def test_counts_of_trainings_that_stopped_at_different_times_are_a_sample():
    assert estimate({TrainingSeed(0): Count(40.0), TrainingSeed(1): Count(50.0)}).method == "t over seeds"


def test_values_that_are_equal_in_all_seeds_leave_no_interval():
    found = estimate({TrainingSeed(0): difference(75.9, 75.83), TrainingSeed(1): difference(70.0, 69.93)})
    assert len(set(found.values.values())) == 2
    assert (found.mean, found.low, found.method) == (pytest.approx(0.07), None, "equal in all seeds")
    assert (found.p_value(0.0), found.is_within(-5, 5)) == (None, False)


@pytest.mark.parametrize(
    ("seeds", "method"),
    [
        ([TrainingSeed(0), TrainingSeed(1)], "t over seeds"),
        ([TrainingSeed(4, 1), TrainingSeed(5, 1)], "t over seeds"),
        ([TrainingSeed(0), TrainingSeed(0, 1)], "t over teachers"),
        (
            [TrainingSeed(0), TrainingSeed(0, 1), TrainingSeed(1), TrainingSeed(1, 1)],
            "t over seeds and teachers",
        ),
    ],
)
def test_the_interval_is_over_whatever_trainings_differ_in(seeds, method):
    found = estimate({seed: Sample(float(value)) for value, seed in enumerate(seeds)})
    assert (found.method, found.is_over_trainings) == (method, True)
    assert found.p_value(found.low) == pytest.approx(0.05)


def test_values_that_differ_are_not_called_equal_where_their_means_are():
    grid = {TrainingSeed(0): 1.0, TrainingSeed(0, 1): 2.0, TrainingSeed(1): 2.0, TrainingSeed(1, 1): 1.0}
    found = estimate({seed: Sample(value) for seed, value in grid.items()})
    assert (found.low, found.method, found.p_value(0.0)) == (None, "equal means", None)


def test_where_a_seed_lacks_a_teacher_there_is_no_interval():
    seeds = [TrainingSeed(0), TrainingSeed(1), TrainingSeed(2), TrainingSeed(0, 1)]
    found = estimate({seed: Sample(float(value)) for value, seed in enumerate(seeds)})
    assert (found.low, found.method) == (None, "not every seed with every teacher")
    assert found.mean == 1.5


def test_two_teachers_widen_the_interval_by_what_they_differ_in():
    grid = {TrainingSeed(0): 1.0, TrainingSeed(1): 1.2, TrainingSeed(0, 1): 2.0, TrainingSeed(1, 1): 2.2}
    found = estimate({seed: Sample(value) for seed, value in grid.items()})
    # Means by teacher 1.1 and 2.1, by seed 1.5 and 1.7; t(0.975, 1) = 12.706.
    reach = 12.7062 * (0.5 / 2 + 0.02 / 2) ** 0.5
    assert (found.low, found.high) == pytest.approx((1.6 - reach, 1.6 + reach), abs=1e-4)


def test_a_ratio_to_nothing_is_no_number():
    found = estimate({TrainingSeed(0): Ratio(Share(1, 10), Share(0, 10))})
    assert (found.low, found.method) == (None, "undefined")


def test_a_published_percentage_gives_values_but_is_no_count():
    assert Contrast(((1.0, Percentage(66.85)), (-1.0, Percentage(60.0)))).value == pytest.approx(6.85)
    assert Ratio(Percentage(40.0), Percentage(80.0)).value == 50.0
