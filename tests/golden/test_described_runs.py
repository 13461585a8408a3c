"""The identity of every training of the protocol `described`, as it was when it was first trained."""

from distillation.study import spec, study
from shipped import CONFIG as BASE
from shipped import ROOT, SCHEMA

CHANGED = (
    "the identity of a described training has changed: it will be trained again and cannot be compared bit"
    " for bit with published results. If that is meant, say so in CHANGELOG.md and store the new digest in"
    " described_runs.txt; if not, a new field of study.spec needs a default that means 'switched off'."
)


def test_every_described_training_is_the_one_that_was_published():
    recorded = (ROOT / "tests/golden/described_runs.txt").read_text().splitlines()
    found = [
        f"{entry.run} {seed} {spec.digest(entry.resolve(seed))}"
        for entry in study.resolve(BASE, SCHEMA, "config.yaml").entries.values()
        if entry.protocol == "described"
        for seed in entry.seeds
    ]
    assert sorted(found) == sorted(recorded), CHANGED
