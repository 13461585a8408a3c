import math
from dataclasses import replace

import pandas as pd
import pytest
import tiny_runs
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.terms import COLUMNS, Losses
from distillation.study import spec
from distillation.study.spec import Stage
from distillation.training import curriculum, history
from distillation.training.learner import Measures

STUDENT = tiny_runs.student_run(stages=(Stage(8, 2), Stage(16, 3)))
PLAIN = replace(STUDENT, losses=Losses(ce=CrossEntropy(1.0)), teacher=None)
TERMS = {"ce": 1.5, "kd": 0.2, "saliency": 0.25}
MEASURES = Measures(accuracy=41.0625, loss=2.6, terms=TERMS, lr=3e-4, images_per_second=1234.5)


def rows(run, seconds, measures=MEASURES):
    """The first epochs of a run, with the seconds that each took."""
    places = [(stage, epoch) for stage in run.stages for epoch in range(1, stage.epochs + 1)]
    return [
        history.row(stage, epoch, number, measures, 50.0, taken, 100.0 * number)
        for number, ((stage, epoch), taken) in enumerate(zip(places, seconds, strict=False), start=1)
    ]


def test_a_row_has_every_column_and_the_terms_of_the_loss_before_their_weights():
    row = history.row(STUDENT.stages[1], 2, 4, MEASURES, 43.5, 12.25, 800.5)
    assert {column: value for column, value in row.items() if value is not None} == {
        "stage_px": 16,
        "epoch": 2,
        "global_epoch": 4,
        "train_acc": 41.0625,
        "val_acc": 43.5,
        "loss": 2.6,
        "ce_loss": 1.5,
        "kl": 0.2,
        "saliency_loss": 0.25,
        "lr": 3e-4,
        "seconds": 12.25,
        "images_per_second": 1234.5,
        "peak_memory_mb": 800.5,
    }


def test_terms_that_a_run_does_not_have_are_absent():
    row = history.row(PLAIN.stages[0], 1, 1, replace(MEASURES, terms={"ce": 1.5}), 43.5, 12.25, 800.5)
    assert (row["ce_loss"], row["kl"], row["saliency_loss"]) == (1.5, None, None)
    assert tuple(row) == history.COLUMNS


def test_the_csv_holds_the_rows_in_full_precision(tmp_path):
    path = tmp_path / "run" / "history.csv"
    written = rows(STUDENT, [math.pi, 2.0, 3.0], replace(MEASURES, loss=1 / 3))
    history.write(written, path)
    frame = pd.read_csv(path)
    assert list(frame.columns) == list(history.COLUMNS)
    filled = frame.dropna(axis="columns")
    assert filled.to_dict("records") == [{column: row[column] for column in filled} for row in written]
    assert frame["stage_px"].tolist() == [8, 8, 16]
    assert b"\r" not in path.read_bytes()


def test_an_absent_value_is_an_empty_cell(tmp_path):
    history.write(rows(PLAIN, [1.0], replace(MEASURES, terms={"ce": 1.5})), tmp_path / "history.csv")
    frame = pd.read_csv(tmp_path / "history.csv")
    absent = set(COLUMNS.values()) - {"ce_loss"}
    assert {"kl", "saliency_loss"} <= absent
    assert set(frame.columns[frame.isna().all()]) == absent
    line = (tmp_path / "history.csv").read_text().splitlines()[1]
    assert line == f"8,1,1,41.0625,50.0,2.6,{','.join(_cells(absent))},0.0003,1.0,1234.5,100.0"


def _cells(absent):
    return ["" if column in absent else "1.5" for column in COLUMNS.values()]


def test_the_line_of_the_log_tells_where_the_run_is_and_how_long_it_takes():
    assert history.line(STUDENT, rows(STUDENT, [10.0, 10.0, 20.0])) == (
        "16 px epoch 1/3 (3/5): loss 2.6000 (ce 1.5000, kl 0.2000, saliency 0.2500),"
        " train 41.06 %, validation 50.00 %, 1234 images/s, 0 min 40 s left"
    )


def test_the_line_of_a_run_with_cross_entropy_alone_has_no_other_terms():
    line = history.line(PLAIN, rows(PLAIN, [1.0], replace(MEASURES, terms={"ce": 1.5})))
    assert line.startswith("8 px epoch 1/2 (1/5): loss 2.6000 (ce 1.5000), train 41.06 %")


def test_the_last_line_has_nothing_left():
    assert history.line(STUDENT, rows(STUDENT, [1.0] * 5)).endswith(", 0 min 00 s left")


def test_a_resolution_that_comes_twice_is_counted_in_its_own_stage():
    run = replace(STUDENT, stages=(Stage(8, 2), Stage(16, 1), Stage(8, 4)))
    assert history.line(run, rows(run, [1.0] * 6)).startswith("8 px epoch 3/4 (6/7): ")
    assert history.line(run, rows(run, [1.0] * 2)).startswith("8 px epoch 2/2 (2/7): ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 min 00 s"),
        (59.6, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_times_are_told_in_minutes_or_hours(seconds, text):
    run = replace(PLAIN, stages=(Stage(8, 2),))
    assert history.line(run, rows(run, [seconds])).endswith(f" {text} left")


def test_without_validation_images_a_line_and_a_report_have_no_such_accuracy():
    run = replace(PLAIN, stages=(Stage(8, 2),))
    told = [row | {"val_acc": None} for row in rows(run, [10.0])]
    assert "validation" in history.line(run, rows(run, [10.0]))
    assert "validation" not in history.line(run, told)
    report = history.report(run, told, 1)
    assert (report["val_acc"], report["best_val_acc"]) == (None, None)


def test_an_epoch_of_a_resolution_that_was_seen_costs_what_it_cost_on_average():
    run = replace(PLAIN, stages=(Stage(8, 4),))
    assert history.seconds_left(run, rows(run, [10.0, 20.0])) == pytest.approx(2 * 15.0)


def test_an_unseen_resolution_costs_by_its_pixels():
    # One more epoch of 8 px, then three of 16 px with four times as many pixels.
    assert history.seconds_left(STUDENT, rows(STUDENT, [10.0])) == pytest.approx(10.0 + 3 * 40.0)


def test_an_unseen_resolution_is_scaled_from_the_last_that_was_seen():
    run = replace(PLAIN, stages=(Stage(8, 1), Stage(16, 1), Stage(32, 2)))
    assert history.seconds_left(run, rows(run, [100.0, 10.0])) == pytest.approx(2 * 40.0)


def test_a_resolution_that_comes_again_costs_what_it_cost_before():
    run = replace(PLAIN, stages=(Stage(8, 2), Stage(16, 1), Stage(8, 2)))
    assert history.seconds_left(run, rows(run, [10.0, 20.0, 99.0])) == pytest.approx(2 * 15.0)


HEAD_FIRST = replace(PLAIN, stages=(Stage(8, 1, head_only=True), Stage(8, 3), Stage(16, 2)))


def test_an_epoch_of_the_head_says_nothing_of_how_long_everything_takes():
    after_the_head = rows(HEAD_FIRST, [10.0])
    assert history.seconds_an_epoch(HEAD_FIRST, 1, after_the_head) is None
    assert history.seconds_left(HEAD_FIRST, after_the_head) is None
    assert history.line(HEAD_FIRST, after_the_head).endswith(" images/s, time left unknown")
    assert not {"seconds_left", "seconds_an_epoch"} & set(history.report(HEAD_FIRST, after_the_head, 1))


def test_an_epoch_of_everything_costs_what_such_epochs_cost():
    timed = rows(HEAD_FIRST, [10.0, 30.0, 50.0])
    # One more of 8 px, then two of 16 px with four times as many pixels.
    assert history.seconds_left(HEAD_FIRST, timed) == pytest.approx(40.0 + 2 * 4 * 40.0)
    assert history.report(HEAD_FIRST, timed, 3)["seconds_an_epoch"] == pytest.approx(40.0)


def test_a_stage_that_has_begun_costs_what_its_own_epochs_cost():
    run = replace(PLAIN, stages=(Stage(8, 1), Stage(8, 3)))
    assert history.seconds_left(run, rows(run, [100.0, 10.0])) == pytest.approx(2 * 10.0)


def test_costs_by_stage_add_up_to_those_of_the_run():
    seconds = [1.5, 2.0, 4.0, 8.0, 16.0]
    stages = curriculum.by_stage(rows(STUDENT, seconds))
    costs = history.costs(stages, images=64, flops=[7, 11])
    assert costs == [
        {
            "resolution": 8,
            "epochs": 2,
            "images": 128,
            "seconds": 3.5,
            "images_per_second": 128 / 3.5,
            "training_flops": 7 * 128,
            "peak_memory_mb": 200.0,
        },
        {
            "resolution": 16,
            "epochs": 3,
            "images": 192,
            "seconds": 28.0,
            "images_per_second": 192 / 28.0,
            "training_flops": 11 * 192,
            "peak_memory_mb": 500.0,
        },
    ]
    assert sum(cost["seconds"] for cost in costs) == sum(seconds)
    assert sum(cost["images"] for cost in costs) == 64 * STUDENT.epochs


def test_a_resolution_that_comes_twice_has_costs_of_its_own_in_each_stage():
    run = replace(PLAIN, stages=(Stage(8, 1), Stage(16, 1), Stage(8, 2)))
    stages = curriculum.by_stage(rows(run, [1.0, 2.0, 4.0, 8.0]))
    costs = history.costs(stages, images=10, flops=[1, 2, 1])
    assert [(cost["images"], cost["seconds"]) for cost in costs] == [(10, 1.0), (10, 2.0), (20, 12.0)]


def test_a_report_before_the_first_epoch_says_what_there_is_to_do():
    assert history.report(STUDENT, [], 0) == {
        "spec": spec.digest(STUDENT),
        "stage": 1,
        "stages": 2,
        "stage_px": 8,
        "epoch": 0,
        "epochs": 2,
        "done": 0,
        "total": 5,
        "saved": 0,
    }


def test_a_report_is_of_the_stage_that_comes_next_and_of_the_epoch_that_was_last():
    told = rows(STUDENT, [10.0, 20.0])
    told[0]["val_acc"] = 60.0
    report = history.report(STUDENT, told, 1)
    assert report["saved"] == 1
    assert (report["stage"], report["stage_px"], report["epoch"], report["epochs"]) == (2, 16, 0, 3)
    assert (report["train_acc"], report["val_acc"], report["images_per_second"]) == (41.0625, 50.0, 1234.5)
    # Four times the pixels of the epochs seen.
    assert report["seconds_an_epoch"] == pytest.approx(4 * 15.0)
    assert report["seconds_left"] == pytest.approx(3 * 4 * 15.0)
    assert report["best_val_acc"] == 60.0


def test_the_best_of_a_report_is_that_of_the_last_epochs_stage():
    told = rows(STUDENT, [10.0, 20.0, 30.0, 30.0])
    told[0]["val_acc"], told[2]["val_acc"] = 60.0, 55.0
    assert history.report(STUDENT, told, 4)["best_val_acc"] == 55.0


def test_the_report_of_a_finished_run_is_of_its_last_stage():
    report = history.report(STUDENT, rows(STUDENT, [1.0] * 5), 5)
    assert (report["stage"], report["epoch"], report["done"], report["seconds_left"]) == (2, 3, 5, 0.0)
