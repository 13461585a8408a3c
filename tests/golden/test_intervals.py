"""Confidence intervals against textbooks, against scipy by another way, and by hand."""

import math

import numpy as np
import pytest
from distillation.statistics import intervals
from scipy import stats


def over_seeds(values):
    return intervals.mean_over(values, range(len(values)))


def test_students_interval_over_three_seeds_is_that_of_the_tables():
    # t(0.975, 2) = 4.3027; mean 1.5, standard deviation 0.5.
    reach = 4.302653 * 0.5 / math.sqrt(3)
    assert over_seeds([1.0, 1.5, 2.0]).interval() == pytest.approx((1.5 - reach, 1.5 + reach), abs=1e-6)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_students_interval_is_the_set_of_means_that_a_paired_t_test_does_not_reject(seeds):
    one, other = np.random.default_rng(seeds).normal(size=(2, seeds))
    for end in over_seeds(list(one - other)).interval():
        assert stats.ttest_rel(one - end, other).pvalue == pytest.approx(0.05)


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_the_reach_of_seeds_is_half_the_width_of_their_interval(seeds):
    values = np.random.default_rng(seeds).normal(size=seeds)
    low, high = over_seeds(list(values)).interval()
    assert intervals.reach(values.std(ddof=1), seeds) == pytest.approx((high - low) / 2)


def test_the_reach_of_three_seeds_is_2_48_standard_deviations():
    assert intervals.reach(1.0, 3) == pytest.approx(2.4842, abs=1e-4)


def test_the_p_value_is_0_05_where_the_interval_ends():
    mean = over_seeds([1.0, 1.5, 2.3])
    assert mean.p_value(mean.interval()[0]) == pytest.approx(0.05)


@pytest.mark.parametrize("margin", [0.4, 0.6])
def test_two_one_sided_tests_agree_with_the_90_percent_interval(margin):
    values = [0.1, 0.3, -0.2, 0.15]
    low, high = stats.t.interval(0.9, 3, loc=np.mean(values), scale=stats.sem(values))
    assert over_seeds(values).is_within(-margin, margin) == (-margin < low and high < margin)
    assert over_seeds(values).is_within(low - 1e-9, high + 1e-9)
    assert not over_seeds(values).is_within(low + 1e-9, high + 1e-9)


# Differences of two seeds (rows) under three teachers (columns), and what they share.
GRID = np.array([[1.0, 2.0, 4.5], [2.0, 2.5, 6.0]])
SEEDS, TEACHERS = (list(index.ravel()) for index in np.indices(GRID.shape))


def test_the_error_over_seeds_and_teachers_is_that_of_both_means_with_the_freedom_of_the_fewer():
    mean = intervals.mean_over(list(GRID.ravel()), SEEDS, TEACHERS)
    # Means by seed 2.5 and 3.5, variance 0.5; by teacher 1.5, 2.25 and 5.25, variance 3.9375.
    assert (mean.value, mean.error**2) == pytest.approx((3.0, 0.5 / 2 + 3.9375 / 3))
    assert mean.freedom == 1


def test_the_error_over_teachers_alone_is_students_of_their_means():
    mean = intervals.mean_over(list(GRID.ravel()), TEACHERS)
    expected = stats.t.interval(0.95, 2, loc=3.0, scale=stats.sem(GRID.mean(axis=0)))
    assert mean.interval() == pytest.approx(expected)


@pytest.mark.parametrize("of_seeds", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("of_teachers", [0.0, 1.0, 3.0])
def test_at_least_95_of_100_intervals_over_seeds_and_teachers_hold_the_true_mean(of_seeds, of_teachers):
    rng, count = np.random.default_rng(11), 1000
    grids = rng.normal(size=(count, 3, 3))
    grids += of_seeds * rng.normal(size=(count, 3, 1)) + of_teachers * rng.normal(size=(count, 1, 3))
    seeds, teachers = (list(index.ravel()) for index in np.indices((3, 3)))
    ends = [intervals.mean_over(list(grid.ravel()), seeds, teachers).interval() for grid in grids]
    # Two standard deviations of a share of 1000.
    assert sum(low < 0 < high for low, high in ends) / count > 0.95 - 0.014
    # As if nine trainings shared nothing, too few do: the reason for the groups.
    flat = [over_seeds(list(grid.ravel())).interval() for grid in grids]
    if max(of_seeds, of_teachers) > 1:
        assert sum(low < 0 < high for low, high in flat) / count < 0.8


def test_holms_correction_is_that_of_the_textbook():
    # Holm (1979), as R's p.adjust gives it.
    assert intervals.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert intervals.holm([0.6, 0.7]) == [1.0, 1.0]
    assert intervals.holm([]) == []


def test_wilsons_interval_is_that_of_the_textbook_and_never_leaves_0_to_1():
    # Newcombe (1998), table I: 81 of 263 and 15 of 148, Wilson without correction.
    assert intervals.of_share(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert intervals.of_share(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    low, high = intervals.of_share(10, 10)
    assert low > 0.6
    assert high == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # Newcombe (1998), table II, method 10.
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 20), (0.6791, 1.0)),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(one, other, expected):
    assert intervals.of_contrast([(1.0, *one), (-1.0, *other)]) == pytest.approx(expected, abs=5e-5)


def test_a_contrast_of_three_covers_the_truth_in_95_of_100():
    rng, images, weights = np.random.default_rng(0), 1000, (1.0, -0.5, -0.5)
    shares = (0.78, 0.67, 0.83)
    truth = sum(weight * share for weight, share in zip(weights, shares, strict=True))
    inside = 0
    for counts in rng.binomial(images, shares, size=(1000, 3)):
        terms = [(weight, int(count), images) for weight, count in zip(weights, counts, strict=True)]
        low, high = intervals.of_contrast(terms)
        inside += low <= truth <= high
    assert inside / 1000 == pytest.approx(0.95, abs=0.02)


def test_the_interval_of_a_ratio_is_symmetric_in_its_logarithm():
    # Katz et al. (1978): log RR +- 1.96 sqrt(1/a - 1/n + 1/c - 1/m).
    error = math.sqrt(1 / 7000 - 1 / 10000 + 1 / 8000 - 1 / 10000)
    expected = [7 / 8 * math.exp(sign * 1.959964 * error) for sign in (-1, 1)]
    assert intervals.of_ratio((7000, 10000), (8000, 10000)) == pytest.approx(expected, abs=1e-6)
