"""Quantities over seeds."""

import pytest
from distillation.statistics.estimates import estimate
from distillation.statistics.quantities import Contrast, Count, Percentage, Ratio, Sample, Share, paired


def difference(one, other):
    return Contrast(((1.0, Share(round(100 * one), 10_000)), (-1.0, Share(round(100 * other), 10_000))))


def test_three_seeds_have_mean_spread_and_students_interval():
    found = estimate({2: difference(80, 78), 0: difference(79, 78), 1: difference(81, 78)})
    assert found.values == {0: pytest.approx(1), 1: pytest.approx(3), 2: pytest.approx(2)}
    assert list(found.values) == [0, 1, 2]
    assert (found.mean, found.std, found.method) == (pytest.approx(2), pytest.approx(1), "t over seeds")
    reach = 4.302653 / 3**0.5
    assert (found.low, found.high) == (pytest.approx(2 - reach), pytest.approx(2 + reach))
    assert found.smallest == pytest.approx(reach)


def test_a_single_seed_has_the_binomial_interval_and_no_spread():
    found = estimate({0: difference(77.12, 76.70)})
    assert (found.std, found.method) == (None, "binomial")
    # The standard error of the difference of two accuracies of 77 % is 0.597 points.
    assert (found.low, found.high) == pytest.approx((0.42 - 1.169, 0.42 + 1.169), abs=0.01)


def test_a_single_ratio_has_a_binomial_interval_in_percent():
    found = estimate({0: Ratio(Share(7000, 10_000), Share(8000, 10_000))})
    assert found.mean == 87.5
    assert (found.low, found.high) == pytest.approx((85.98, 89.05), abs=0.2)
    assert found.method == "binomial"


def test_what_only_seeds_can_tell_has_no_interval_from_a_single_one():
    found = estimate({0: Sample(0.3)})
    assert (found.low, found.high, found.smallest, found.method) == (None, None, None, "one seed")


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_count_is_exact(seeds):
    found = estimate({seed: Count(47.5) for seed in range(seeds)})
    assert (found.low, found.high, found.smallest, found.method) == (47.5, 47.5, 0.0, "counted")


def test_counts_of_trainings_that_stopped_at_different_times_are_a_sample():
    assert estimate({0: Count(40.0), 1: Count(50.0)}).method == "t over seeds"


def test_values_that_are_equal_in_all_seeds_leave_no_interval():
    found = estimate({0: difference(75.9, 75.83), 1: difference(70.0, 69.93)})
    assert len(set(found.values.values())) == 2
    assert (found.mean, found.low, found.method) == (pytest.approx(0.07), None, "equal in all seeds")
    assert (found.p_value(0.0), found.is_within(-5, 5)) == (None, False)


def test_a_ratio_to_nothing_is_no_number():
    found = estimate({0: Ratio(Share(1, 10), Share(0, 10))})
    assert (found.low, found.method) == (None, "undefined")


def test_pairs_are_of_the_seeds_that_both_sides_have():
    first, second = {0: Share(7, 10), 2: Share(8, 10)}, {2: Share(6, 10), 3: Share(5, 10)}
    assert paired(first, second) == {2: Contrast(((1.0, Share(8, 10)), (-1.0, Share(6, 10))))}
    assert paired(first, {}) == {}


def test_a_published_percentage_gives_values_but_is_no_count():
    assert Contrast(((1.0, Percentage(66.85)), (-1.0, Percentage(60.0)))).value == pytest.approx(6.85)
    assert Ratio(Percentage(40.0), Percentage(80.0)).value == 50.0
