"""What the README says of the study is what the configuration says."""

import re

import pytest
import yaml
from distillation.core.errors import UserError
from distillation.statistics.claims import verdicts
from distillation.statistics.claims.statistics import STATISTICS
from distillation.study import study
from shipped import CONFIG, ROOT

README = (ROOT / "README.md").read_text()


def snippet(name):
    """The indented block of the README that starts with "# name"."""
    lines = README.partition(f"    # {name}\n")[2].splitlines()
    block = lines[: lines.index("")]
    return yaml.safe_load("\n".join(line.removeprefix("    ") for line in block))


def test_the_overlays_of_the_readme_are_valid():
    rows = study.resolve("irkd", study.merge(CONFIG, snippet("rows.yaml")["irkd"]))
    assert {entry.run for entry in rows.chosen()} == {"tiny-p4-ce", "tiny-p4-kd", "small-p4"}
    gamma = study.resolve("irkd", study.merge(CONFIG, snippet("gamma.yaml")["irkd"]))
    assert gamma.entries["described", "tiny-p4-gamma-2"].resolve(0).losses.saliency.weight == 2.0


def test_the_error_of_the_readme_is_the_one_a_user_sees():
    overlay = snippet("gamma.yaml")["irkd"]
    overlay["students"]["tiny-p4-gamma-2"]["teacher"] = "smal-p4"
    with pytest.raises(UserError) as error:
        study.resolve("irkd", study.merge(CONFIG, overlay))
    assert str(error.value).splitlines()[1].strip() in README


def test_the_readme_names_every_statistic_and_every_verdict():
    [section] = re.findall(r"\n## Claims\n(.*?)\n## ", README, re.DOTALL)
    said = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", section))
    assert said == set(STATISTICS)
    rows = re.findall(r"^\| (.*?) \|", section, re.MULTILINE)
    known = [verdicts.SUPPORTED, verdicts.NOT_SUPPORTED, verdicts.UNDECIDED, verdicts.NOT_RUN]
    assert rows[1:] == known


def test_the_readme_counts_the_trainings():
    resolved = study.resolve("irkd", CONFIG)
    students, teachers = (list(resolved.chosen(role)) for role in ("student", "teacher"))
    trainings = sum(len(entry.seeds) for entry in (*students, *teachers))
    said = re.search(r"(\d+) trainings \((\d+) students x (\d+) seeds, (\d+) teachers\)", README)
    assert tuple(map(int, said.groups())) == (trainings, len(students), len(students[0].seeds), len(teachers))
