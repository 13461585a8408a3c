"""The page of switches against a table transcribed by hand from the paper and the notebooks."""

import copy
from dataclasses import replace

import pytest
import yaml
from distillation.core.errors import UserError
from distillation.pages import switches
from distillation.study import study
from distillation.study.contents import RunSettings
from distillation.study.selection import Selection
from shipped import CONFIG as BASE
from shipped import ROOT, STUDIES

SOURCES = yaml.safe_load((STUDIES / "irkd" / BASE["switches"]["sources"]).read_text(encoding="utf-8"))
TRANSCRIBED = yaml.safe_load((ROOT / "tests/golden/switches.yaml").read_text())


@pytest.fixture(scope="module")
def page():
    return Selection(study.resolve("irkd", BASE)).switches


@pytest.fixture(scope="module")
def settings(page):
    return page.settings


def transcribed(settings):
    """By protocol, run and switch, from the file by hand."""
    found = {}
    for protocol, by_switch in TRANSCRIBED.items():
        roles = {s.run: f"{s.role}s" for s in settings if s.protocol == protocol}
        for switch, by_value in by_switch.items():
            for value, named in by_value.items():
                names = named if isinstance(named, list) else [named]
                for run in [run for run, role in roles.items() if {"all", role, run} & set(names)]:
                    assert (protocol, run, switch) not in found, f"{protocol} {run} {switch} stands twice"
                    found[protocol, run, switch] = value
                assert set(names) <= {"all", "students", "teachers", *roles}
    return found


def test_every_switch_of_every_run_has_the_value_transcribed_by_hand(settings):
    frame = switches.table(settings, SOURCES)
    found = {(row.protocol, row.run, row.switch): row.value for row in frame.itertuples()}
    assert found == transcribed(settings)


def test_every_released_value_names_its_notebook_or_says_that_it_is_ours(settings):
    frame = switches.table(settings, SOURCES)
    released = frame[frame["protocol"] == "released"]
    assert released["source"].str.match(r"P_\w+ c\d+|ours").all()
    described = frame[frame["protocol"] == "described"]
    assert described["source"].str.contains(r"paper|ours|single stage|plain ViT|none mentioned").all()


@pytest.mark.parametrize("tested", [False, True], ids=["tested once", "tested each epoch"])
def test_weights_that_are_averaged_are_named_with_the_decay(settings, tested):
    setting = settings[0]
    own = setting.spec | ({"tests_each_epoch": True} if tested else {})
    averaged = own | {"weight_average": {"decay": 0.999}}
    plain, found = (switches.values(replace(setting, spec=each), ["ce"]) for each in (own, averaged))
    text = plain["weights tested"].split(";")
    assert found == plain | {"weights tested": ";".join([f"{text[0]}, averaged (decay 0.999)", *text[1:]])}


def test_the_page_sets_the_protocols_of_a_run_side_by_side_and_names_what_differs(page):
    frame = switches.table(page.settings, SOURCES)
    labels = {setting.run: setting.label for setting in page.settings}
    sections = {section.heading: section for section in switches.document(page, frame).sections}
    assert len(sections) == len(labels)
    both = sections["Custom P2 CE (custom-p2-ce)"]
    columns = [text for name in page.protocols.values() for text in (name, f"source ({name})")]
    assert list(both.table.columns) == columns
    assert both.table.at["augmentation", page.protocols["released"]] == "none"
    assert both.caption.startswith("The protocols differ in: ")
    assert {"augmentation", "precision"} < set(both.caption.removesuffix(".").split(": ")[1].split(", "))
    one = sections["ViT-Tiny P2 CE (tiny-p2-ce)"]
    assert list(one.table.columns) == columns[:2]
    assert one.caption == "Only in this protocol."


def test_a_source_of_nothing_is_named(settings):
    wrong = copy.deepcopy(SOURCES)
    wrong["released"]["runs"]["small-p2"] = {"default": "nowhere"}
    wrong["released"]["all"]["colour"] = "ours"
    with pytest.raises(UserError) as error:
        switches.table(settings, wrong)
    assert str(error.value).endswith(
        "remove or rename them: released.all.colour, released.runs.small-p2.default"
    )


def test_a_value_without_a_source_says_so_and_no_shipped_value_is_one(settings):
    extra = RunSettings("released", "extra", "student", "E", "last", ["0"], settings[-1].spec)
    frame = switches.table([*settings, extra], SOURCES)
    unstated = frame[frame["source"] == switches.NO_SOURCE]
    assert set(unstated["run"]) == {"extra"}
