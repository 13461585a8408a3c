"""Where a training stands, and when early stopping ends a stage."""

import pytest
from distillation.study.spec import EarlyStopping, Stage
from distillation.training import curriculum
from tiny_runs import run

PLANNED = run(stages=(Stage(8, 4), Stage(12, 6)))
STOPPING = run(stages=(Stage(8, 4), Stage(12, 6)), early_stopping=EarlyStopping(2, "never"))


def rows(*stages):
    """Rows of history.csv with these validation accuracies, a list a stage."""
    return [
        {"epoch": epoch, "val_acc": accuracy}
        for accuracies in stages
        for epoch, accuracy in enumerate(accuracies, start=1)
    ]


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ([], (0, 1)),
        ([[50]], (0, 2)),
        ([[50, 40, 30, 20]], (1, 1)),
        ([[50, 40, 30, 20], [10]], (1, 2)),
        ([[50, 40, 30, 20], [6, 5, 4, 3, 2, 1]], None),
    ],
)
def test_without_early_stopping_every_stage_has_all_its_epochs(done, expected):
    assert curriculum.position(PLANNED, rows(*done)) == expected


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ([[50, 40]], (0, 3)),
        ([[50, 40, 50]], (1, 1)),
        ([[50, 60, 60]], (0, 4)),
        ([[50, 40, 30], [10, 20, 30, 30]], (1, 5)),
        ([[50, 40, 30], [10, 20, 30, 30, 29]], None),
    ],
)
def test_a_stage_ends_when_its_best_is_as_old_as_the_patience(done, expected):
    assert curriculum.position(STOPPING, rows(*done)) == expected


def test_the_released_stages_of_seven_five_and_nine_epochs_follow_from_a_patience_of_three():
    # custom CL at 24 px, custom KD+CL at 28 px and at 32 px: the best epoch and the last that was run.
    for best, last in ((4, 7), (2, 5), (6, 9)):
        accuracies = [min(epoch, best) - 0.1 * max(0, epoch - best) for epoch in range(1, last + 1)]
        stopping = EarlyStopping(3, "never")
        ends = [n for n in range(1, last + 1) if curriculum.has_stopped(stopping, accuracies[:n])]
        assert ends == [last]


@pytest.mark.parametrize(
    ("restore", "stopped", "full"),
    [("never", False, False), ("on-stop", True, False), ("always", True, True)],
)
def test_the_best_weights_are_handed_on_as_the_rule_says(restore, stopped, full):
    stopping = EarlyStopping(2, restore)
    assert curriculum.takes_best(stopping, [50, 40, 30]) is stopped
    assert curriculum.takes_best(stopping, [50, 40, 60]) is full
    assert curriculum.takes_best(None, [50, 40, 30]) is False
