"""What the documentation says of the study is what the configuration says."""

import re

import pytest
import yaml
from distillation.core.errors import UserError
from distillation.statistics.claims import verdicts
from distillation.statistics.claims.statistics import STATISTICS
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import spec, study
from distillation.study.costs import plan
from distillation.study.forms import claim_settings
from distillation.study.selection import Selection
from shipped import CONFIG, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def snippet(page, name):
    """The indented block of a page that starts with "# name"."""
    lines = text_of(page).partition(f"    # {name}\n")[2].splitlines()
    block = lines[: lines.index("")]
    return yaml.safe_load("\n".join(line.removeprefix("    ") for line in block))


def test_the_overlays_of_the_documentation_are_valid():
    rows = study.resolve("irkd", study.merge(CONFIG, snippet("docs/running.md", "rows.yaml")["irkd"]))
    assert {entry.run for entry in rows.chosen()} == {"tiny-p4-ce", "tiny-p4-kd", "small-p4"}
    gamma = study.resolve("irkd", study.merge(CONFIG, snippet("README.md", "gamma.yaml")["irkd"]))
    assert (
        gamma.entries["described", "tiny-p4-gamma-2"].resolve(TrainingSeed(0)).losses.saliency.weight == 2.0
    )


def test_the_error_of_the_readme_is_the_one_a_user_sees():
    overlay = snippet("README.md", "gamma.yaml")["irkd"]
    overlay["students"]["tiny-p4-gamma-2"]["teacher"] = "smal-p4"
    with pytest.raises(UserError) as error:
        study.resolve("irkd", study.merge(CONFIG, overlay))
    said = str(error.value).splitlines()[1].strip()
    assert said in README
    assert said in text_of("docs/troubleshooting.md")


def test_the_page_of_claims_names_every_statistic_and_every_verdict():
    page = text_of("docs/claims.md")
    said = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", page))
    assert said == set(STATISTICS)
    rows = re.findall(r"^\| (.*?) \|", page, re.MULTILINE)
    assert [row for row in rows if row in verdicts.MEANINGS] == list(verdicts.MEANINGS)


def test_the_pages_on_what_goes_beyond_the_paper_name_its_protocols_and_count_its_trainings():
    chosen = Selection(study.resolve("irkd", CONFIG))
    runs = {name: chosen.further_runs(name) for name in claim_settings.FURTHER}
    counts = {name: len(found) for name, found in runs.items()}
    said = plan.words(chosen.study, runs["controls"], [])
    assert f"    Controls, beside the runs of `all`: {said}\n" in text_of("docs/claims.md")
    assert f"optimizer, {len(set(runs['controls']) & set(runs['best']))}, are part of both" in text_of(
        "docs/claims.md"
    )
    assert f"{counts['controls']} or {counts['best']} further trainings" in text_of("docs/offline-node.md")
    table = text_of("docs/protocols.md").split("## Controls and future work")[1].split("\n## ")[0]
    protocols = {protocol for found in runs.values() for protocol, _, _ in found}
    # These are changed for a claim of the paper alone.
    controls = {"released-ce-augmented", "attention-dropout"}
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", table, re.MULTILINE)) == protocols - controls


def test_the_readme_counts_the_trainings():
    resolved = study.resolve("irkd", CONFIG)
    students, teachers = (list(resolved.chosen(role)) for role in ("student", "teacher"))
    trainings = sum(len(entry.seeds) for entry in (*students, *teachers))
    said = re.search(r"(\d+) trainings \((\d+) students x (\d+) seeds, (\d+) teachers\)", README)
    assert tuple(map(int, said.groups())) == (trainings, len(students), len(students[0].seeds), len(teachers))


def test_a_newcomer_has_1600_words_to_read_at_most():
    assert len(README.split()) <= 1600


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading_of_it(page):
    for link in re.findall(r"\]\(\s*([^)\s]+)\s*\)", page.read_text(encoding="utf-8")):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_index_of_the_documentation_has_every_page():
    listed = set(re.findall(r"\]\((\w[\w-]*\.md)\)", text_of("docs/README.md")))
    assert listed == {page.name for page in PAGES if page.parent.name == "docs"} - {"README.md"}


def test_each_other_reading_of_the_text_changes_the_runs_that_it_is_about():
    overlays = re.findall(r"^\| .*? \| `(recipes: .*)` \|$", text_of("docs/protocols.md"), re.MULTILINE)
    before, counts = study.resolve("irkd", CONFIG).entries, []
    for overlay in overlays:
        after = study.resolve("irkd", study.merge(CONFIG, yaml.safe_load(f"{{{overlay}}}"))).entries
        digests = (
            [spec.digest(entries[key].resolve(TrainingSeed(0))) for entries in (before, after)]
            for key in before
        )
        described = (pair for key, pair in zip(before, digests, strict=True) if key[0] == "described")
        counts.append(sum(old != new for old, new in described))
    # Three times the students with saliency, then teachers, twice the taught students, all students.
    assert counts == [3, 3, 3, 2, 9, 9, 15]
