"""Validation accuracies at one moment of a training."""

import pytest
from distillation.pages import milestones
from distillation.study.contents import Milestone

PROTOCOLS = {"described": "as described", "released": "as released"}
FOURTH = Milestone("released", "sal", 32, 2, 78.72)


@pytest.fixture
def history(tmp_path):
    def write(name, *stages):
        lines = ["stage_px,epoch,val_acc"]
        for side, accuracies in stages:
            lines += [f"{side},{epoch},{value}" for epoch, value in enumerate(accuracies, start=1)]
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def test_a_reading_is_of_its_epoch_in_the_last_stage_of_its_size_however_long_the_others_were(history):
    path = history("a", (32, [1, 2]), (16, [50, 60, 70]), (32, [71, 72.5]))
    assert milestones.accuracy(path, FOURTH) == 72.5
    assert milestones.accuracy(path, Milestone("released", "sal", 32, 3, 0)) is None


def test_a_sentence_has_the_published_value_and_the_mean_over_seeds(history):
    files = {
        ("released", "sal", 0): history("a", (32, [70, 71])),
        ("released", "sal", 1): history("b", (32, [70, 73])),
        ("described", "sal", 0): history("c", (32, [0, 0])),
    }
    [sentence] = milestones.sentences([FOURTH], files, PROTOCOLS)
    assert sentence == (
        "sal, as released: validation accuracy after epoch 2 of 32 px: published 78.72,"
        " reproduced 72.00 ± 1.41 (2 seeds)"
    )


def test_what_was_not_run_or_not_reached_says_so(history):
    assert milestones.sentences([FOURTH], {}, PROTOCOLS)[0].endswith("reproduced not run")
    short = {("released", "sal", 0): history("a", (32, [70]))}
    assert milestones.sentences([FOURTH], short, PROTOCOLS)[0].endswith("reproduced not reached")


def test_a_protocol_that_is_not_shown_is_not_read():
    assert milestones.sentences([FOURTH], {}, {"described": "as described"}) == []
