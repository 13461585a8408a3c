"""Records tell whether they are what was written."""

import json

import pytest
from distillation.core import records
from distillation.core.errors import InputError

CONTENT = {"loss": 0.1 + 0.2, "stages": [{"px": 12}, None], "note": "Café", "by_layer": {0: 1.5}}


@pytest.fixture
def path(tmp_path):
    records.write(tmp_path / "x.json", CONTENT)
    return tmp_path / "x.json"


def message(path):
    with pytest.raises(InputError) as error:
        records.read(path, "run again")
    return str(error.value)


def test_a_record_comes_back_as_json_has_it(path):
    assert records.read(path, "") == CONTENT | {"by_layer": {"0": 1.5}}
    assert list(json.loads(path.read_text(encoding="utf-8"))) == [*CONTENT, "digest"]


def test_a_record_of_an_older_version_has_no_digest(path):
    path.write_text('{"loss": 1}', encoding="utf-8")
    assert records.read(path, "") == {"loss": 1}


def test_any_changed_value_is_noticed(path):
    text = path.read_text(encoding="utf-8")
    for old, new in (("12", "13"), ("null", "0"), ("Caf", "caf"), ("0.3000", "0.3001"), ('"px"', '"py"')):
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")
        assert (
            message(path) == f"{path}: this file was changed after it was written; delete it and run again."
        )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "this file is damaged, it is empty"),
        (b'{"a": ', "this file is damaged, it is not JSON in UTF-8"),
        (b'{"a": "caf\xe9"}', "this file is damaged, it is not JSON in UTF-8"),
        (b"[1]", "this file is damaged, it has no keys"),
    ],
)
def test_a_damaged_record_is_told_in_a_sentence_with_the_fix(path, content, what):
    path.write_bytes(content)
    assert message(path) == f"{path}: {what}; delete it and run again."


@pytest.mark.parametrize("name", ["described/kd/seed-0.json", "described/kd/seed-0/run.json"])
def test_a_record_that_lies_where_that_of_another_training_belongs_is_refused(tmp_path, name):
    path, training = tmp_path / name, {"protocol": "described", "run": "kd", "seed": "0"}
    path.parent.mkdir(parents=True)
    for seed in ("0", 0):
        records.write(path, training | {"seed": seed})
        assert records.read(path, "")["run"] == "kd"
    for other in ({"protocol": "released"}, {"run": "ce"}, {"seed": "0-teacher-1"}):
        records.write(path, training | other)
        named = ", ".join((training | other).values())
        assert message(path) == f"{path}: this file is of another training, {named}; delete it and run again."


def test_a_record_that_cannot_be_read_is_told_in_a_sentence(tmp_path):
    assert message(tmp_path / "no.json").endswith("no.json: this file is missing; run again.")
    assert message(tmp_path).endswith("this file cannot be read (Is a directory); delete it and run again.")
