"""Names of the trainings of a run."""

import re

import pytest
from distillation.statistics.training_seeds import PATTERN, TrainingSeed


@pytest.mark.parametrize(
    ("seed", "text"),
    [
        (TrainingSeed(0), "0"),
        (TrainingSeed(12), "12"),
        (TrainingSeed(0, 1), "0-teacher-1"),
        (TrainingSeed(3, 20), "3-teacher-20"),
    ],
)
def test_a_seed_is_named_with_its_teacher_unless_that_has_seed_0(seed, text):
    assert str(seed) == f"{seed}" == text
    assert TrainingSeed.parse(text) == seed
    assert re.fullmatch(PATTERN, text)


def test_seeds_have_the_order_of_their_numbers_then_of_their_teachers():
    seeds = [TrainingSeed(10), TrainingSeed(2, 1), TrainingSeed(2), TrainingSeed(1, 3)]
    assert [str(seed) for seed in sorted(seeds)] == ["1-teacher-3", "2", "2-teacher-1", "10"]


@pytest.mark.parametrize("text", ["", "-1", "1.0", "0-teacher-", "0-teacher-0", "0-teacher-01", "x"])
def test_another_text_is_refused_with_one_that_is_not(text):
    with pytest.raises(ValueError, match=f"'{text}' is no seed; write one like 3 or 3-teacher-1"):
        TrainingSeed.parse(text)
