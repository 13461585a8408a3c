"""Evaluations are used for the training that they are of, and for no other."""

import json

import evaluation_files
import pytest
from distillation.core import records
from distillation.core.errors import InputError
from distillation.statistics import evaluations
from distillation.statistics.training_seeds import TrainingSeed

FIRST, SECOND = (("described", "kd", TrainingSeed(0, teacher)) for teacher in (0, 1))


def written(path, key):
    named = dict(zip(("protocol", "run", "seed"), map(str, key), strict=True))
    records.write(path, evaluation_files.content(70.0) | named)
    return path


def test_an_evaluation_of_its_training_is_read(tmp_path):
    files = {key: written(tmp_path / f"{key[2]}.json", key) for key in (FIRST, SECOND)}
    assert [one.accuracy().percent for one in evaluations.read_all(files).values()] == [70.0, 70.0]


@pytest.mark.parametrize(
    ("key", "named"), [(FIRST, SECOND), (SECOND, FIRST), (FIRST, ("released", *FIRST[1:]))]
)
def test_that_of_another_training_is_refused_also_if_only_the_teacher_differs(tmp_path, key, named):
    path = written(tmp_path / "x.json", named)
    with pytest.raises(InputError) as error:
        evaluations.read_all({key: path})
    beginning = (
        f"{path}: this is the evaluation of kd, {named[0]}, seed {named[2]}; delete it and run the workflow"
    )
    assert str(error.value).startswith(beginning)


def test_an_older_evaluation_names_no_training(tmp_path):
    path = evaluation_files.write(tmp_path / "x.json", 70.0)
    assert evaluations.read_all({SECOND: path})


def test_an_evaluation_that_was_changed_or_is_of_another_version_is_refused(tmp_path):
    path = written(tmp_path / "x.json", FIRST)
    path.write_text(path.read_text().replace("7000", "7100"))
    with pytest.raises(InputError, match="this file was changed after it was written; delete it and run"):
        evaluations.read(path)
    path.write_text(json.dumps({"accuracy": 70.0}))
    with pytest.raises(InputError, match="lacks correct_by_view, images, selection, weights; delete"):
        evaluations.read(path)
