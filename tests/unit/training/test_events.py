"""Event files for TensorBoard: the history again, and nothing else."""

import builtins

import pytest
import tiny_runs
from distillation.core.errors import UserError
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_runs import results, run, saving_each_epoch, stopping_after, train


def scalars(folder):
    """Steps and values by name."""
    events = EventAccumulator(str(folder / "events"))
    events.Reload()
    names = events.Tags()["scalars"]
    return {name: [(each.step, each.value) for each in events.Scalars(name)] for name in names}


def test_events_have_the_history_and_change_no_file(tmp_path):
    plain = results(train(run(), tmp_path / "plain"))
    assert not (tmp_path / "plain/events").exists()
    assert results(train(run(), tmp_path / "told", events=True)) == plain
    found, rows = scalars(tmp_path / "told"), plain["history"]
    assert found.keys() == {name for name in rows[0] if rows[0][name]} - {"global_epoch"} | set(
        tiny_runs.MEASURED
    )
    for name in ("val_acc", "loss", "ce_loss", "lr", "stage_px"):
        expected = [(int(row["global_epoch"]), pytest.approx(float(row[name]), rel=1e-6)) for row in rows]
        assert found[name] == expected


def test_a_run_that_goes_on_has_each_epoch_once(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stopping_after(patch, saves=2)
        with pytest.raises(KeyboardInterrupt):
            train(run(), tmp_path, events=True)
    saving_each_epoch(monkeypatch)
    train(run(), tmp_path, events=True)
    assert [step for step, _ in scalars(tmp_path)["val_acc"]] == [1, 2, 3, 4]
    assert len([*(tmp_path / "events").iterdir()]) == 2


def test_without_the_package_a_training_stops_with_what_to_do(tmp_path, monkeypatch):
    def without(name, *arguments):
        if name == "torch.utils.tensorboard":
            raise ImportError(name)
        return imported(name, *arguments)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError) as refusal:
        train(run(), tmp_path, events=True)
    assert str(refusal.value) == (
        "`execution: {tensorboard: true}` needs the package tensorboard: install it with pip, or set false in"
        " the configuration."
    )
