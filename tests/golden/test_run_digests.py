"""The identity of every training that the repository ships, as it was when it was first trained."""

from pathlib import Path

import pytest
from distillation.study import spec, study
from shipped import CONFIG, ROOT, overlay

CHANGED = (
    "the identity of a shipped training has changed: it will be trained again and cannot be compared bit for"
    " bit with published results. If that is meant, say so in CHANGELOG.md and store the new digest in"
    " run_digests.txt; if not, a new field of the settings needs a default that means 'switched off'."
)
# Of the reductions of the study, one seed tells as much as all.
SEEDS = {"study.yaml": None, "overlays/demo.yaml": 1, "overlays/cpu.yaml": 1}


def found(name):
    """Protocol, run, seed and digest of the trainings of a configuration, one a line."""
    changes = {} if name == "study.yaml" else overlay(Path(name).stem)
    for entry in study.resolve("irkd", study.merge(CONFIG, changes)).entries.values():
        for seed in entry.seeds[: SEEDS[name]]:
            yield f"{name} {entry.protocol} {entry.run} {seed} {spec.digest(entry.resolve(seed))}"


@pytest.mark.parametrize("name", SEEDS)
def test_every_shipped_training_is_the_one_that_it_was(name):
    recorded = (ROOT / "tests/golden/run_digests.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(found(name)) == sorted(line for line in recorded if line.startswith(f"{name} ")), CHANGED


def test_the_recorded_trainings_are_those_of_these_configurations_and_no_others():
    recorded = (ROOT / "tests/golden/run_digests.txt").read_text(encoding="utf-8").splitlines()
    assert {line.split()[0] for line in recorded} == set(SEEDS)
    assert len(recorded) == len(set(recorded)) > 400
