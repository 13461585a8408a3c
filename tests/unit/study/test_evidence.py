"""Evidence counts for the settings that it was made with, and for no others."""

from dataclasses import replace

import pytest
import record_files
from distillation.core.errors import InputError
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import evidence, spec, study
from shipped import CONFIG as BASE

FIX = "train the run again and commit the new evidence, or restore the setting."


@pytest.fixture(scope="module")
def shipped():
    return study.resolve("irkd", BASE)


@pytest.fixture
def record(shipped, tmp_path):
    """Writes the run.json of a training of the study, its settings changed by a function."""

    def write(run, seed=0, change=lambda settings: None, protocol="described"):
        settings = spec.to_mapping(shipped.entries[protocol, run].resolve(TrainingSeed(seed)))
        change(settings)
        path = tmp_path / f"{protocol}-{run}-{seed}.json"
        record_files.alone(path, spec=settings)
        return {(protocol, run, TrainingSeed(seed)): path}

    return write


def message(shipped, records):
    with pytest.raises(InputError) as error:
        evidence.check(shipped, records)
    return str(error.value)


def test_evidence_of_every_training_of_the_study_is_taken(shipped, record):
    for protocol, run in shipped.entries:
        evidence.check(shipped, record(run, protocol=protocol))
    evidence.check(shipped, record("tiny-p4-kd", seed=2))


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda own: own["optimizer"].update(lr=0.125), "optimizer.lr is 0.125, but 0.0003 in"),
        (lambda own: own["stages"][1].update(epochs=7), "stages.1.epochs is 7, but 10 in"),
        (lambda own: own["stages"].pop(), "stages.5.resolution is not set, but 32 in"),
        (lambda own: own["optimizer"].update(accumulation=2), "optimizer.accumulation is 2, but not set in"),
        (lambda own: own["losses"].pop("kd"), "losses.kd.weight is not set, but 0.5 in"),
        (lambda own: own.update(views={"training": "crop"}), 'views.training is "crop", but not set in'),
        (lambda own: own.update(colour={"hue": True}), "colour.hue is true, but not set in"),
        (lambda own: own["losses"].update(attention={}), "losses.attention is {}, but not set in"),
    ],
    ids=[
        "changed",
        "in a list",
        "shorter list",
        "switched on",
        "switched off",
        "absent part",
        "unknown",
        "as by default",
    ],
)
def test_the_first_other_setting_is_named_with_both_values_and_the_ways_out(
    shipped, record, change, difference
):
    records = record("tiny-p4-kd-cl", change=change)
    (path,) = records.values()
    assert message(shipped, records) == f"{path}: {difference} the study 'irkd': {FIX}"


def test_all_wrong_evidence_is_named_at_once_and_a_run_has_one_sentence(shipped, record):
    def change(settings):
        settings["batch_size"] = 1
        settings["optimizer"]["lr"] = 1.0

    records = record("tiny-p4-ce") | record("tiny-p4-kd", 1, change) | record("tiny-p4-kd", 0, change)
    lines = message(shipped, records).splitlines()
    names = [line.split(": ")[0].rpartition("/")[2] for line in lines]
    assert names == ["described-tiny-p4-kd-0.json", "described-tiny-p4-kd-1.json"]


@pytest.mark.parametrize(
    "key", [("described", "tiny-p9", TrainingSeed(0)), ("imagined", "tiny-p4-ce", TrainingSeed(0))]
)
def test_evidence_of_a_run_that_the_study_does_not_have_is_named(shipped, tmp_path, key):
    path = tmp_path / "run.json"
    assert message(shipped, {key: path}) == (
        f"{path}: the study 'irkd' has no run '{key[1]}' of the protocol '{key[0]}': remove this evidence, or"
        " restore the run in the configuration."
    )


def test_evidence_is_held_against_the_study_as_a_whole_not_against_what_is_chosen_of_it(shipped, record):
    limited = replace(shipped.limited_to([]), selected=frozenset())
    records = record("tiny-p4-ce", change=lambda settings: settings.update(batch_size=1))
    assert "batch_size is 1, but" in message(limited, records)


def test_evidence_of_a_student_of_another_teacher_needs_a_study_with_several(shipped, record):
    [path] = record("tiny-p4-kd").values()
    lines = message(shipped, {("described", "tiny-p4-kd", TrainingSeed(0, 1)): path})
    start = f"{path}: described/tiny-p4-kd, seed 0-teacher-1: it is not trained with each teacher;"
    assert lines.startswith(start)
