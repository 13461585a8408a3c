"""Whatever is changed in a configuration, it is planned, or it is refused in sentences; never a traceback."""

import copy
import json
import math
from datetime import date

import pytest
from distillation.core.errors import UserError
from distillation.data.dataset_settings import watched
from distillation.networks import start_settings
from distillation.study import code_digest, description, spec, studies
from distillation.study.configuration import ConfigurationError
from distillation.study.costs import demand, plan
from distillation.study.forms.claim_settings import FURTHER
from distillation.study.problems import named_files
from distillation.study.selection import Selection
from hypothesis import event, given
from hypothesis import strategies as st
from shipped import ROOT, STUDIES, WORKFLOW

pytestmark = pytest.mark.faults

CONTENTS = studies.declared(studies.configuration([ROOT / "config.yaml"]), STUDIES)
# What YAML can give where something else belongs.
VALUES = [
    *(None, True, False, 0, 1, -1, 3, 10**6, 2**63, 2**64, -(10**30), 10**400),
    *(0.0, 0.5, -0.5, 1.5, math.nan, math.inf, -math.inf, 1e308, 5e-324),
    *("", " ", "absent", "1e-3", "{study} {x}", "<b>&amp;</b>", r"$x_1^2$ \textbf{", "two\nlines", "\0"),
    *("Å" * 999, "../../etc", "/", "~/x", "a/b", "-", "all", "data"),
    *([], {}, [None], [[]], [{}], [0], ["absent"], {"absent": 1}, {"absent": {}}),
    *(
        {1: 2},
        {None: None},
        {True: 0},
        {(1, 2): 3},
        {date(2024, 1, 1): 0},
        date(2024, 1, 1),
        b"\xff",
        {"set"},
    ),
]


def places(value, path=()):
    """The path of every value within a nested one."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from places(each, (*path, key))


def at(value, path):
    for step in path:
        value = value[step]
    return value


FILES = {**CONTENTS, "config.yaml": WORKFLOW}
PLACES = {name: [path for path in places(content) if path] for name, content in FILES.items()}
# Values that may well fit: numbers near valid ones, and what stands below the same key elsewhere.
NUMBERS = [0, 1, 2, 3, 4, 5, 7, 8, 16, 31, 33, 64, 100, 1000, 10**5, 0.0, 1e-9, 0.1, 0.25, 0.9, 1.0, 2.0, 1e4]


def kin(name):
    """By key, the places of a file where it stands."""
    found = {}
    for path in PLACES[name]:
        found.setdefault(path[-1] if isinstance(path[-1], str) else path[-2], []).append(path)
    return [paths for paths in found.values() if len(paths) > 1]


KIN = {name: kin(name) for name in PLACES}
NUMERIC = {
    name: [path for path in paths if isinstance(at(FILES[name], path), int | float)]
    for name, paths in PLACES.items()
}


@st.composite
def changes(draw, name):
    """Up to three changes of a file: what is done, where, and with what."""
    place = st.sampled_from(PLACES[name])
    change = st.one_of(
        st.tuples(st.just("drop"), place, st.none()),
        st.tuples(st.just("rename"), place, st.sampled_from(["absent", "", 3, None, True, "A b", "a{b}"])),
        st.tuples(st.just("double"), place, st.none()),
        st.tuples(st.just("replace"), place, st.sampled_from(VALUES)),
        st.tuples(st.just("copy"), place, place),
        st.tuples(st.just("swap"), place, place),
        st.sampled_from(KIN[name]).flatmap(
            lambda paths: st.tuples(
                st.sampled_from(["copy", "swap"]), st.sampled_from(paths), st.sampled_from(paths)
            )
        ),
        st.tuples(st.just("replace"), st.sampled_from(NUMERIC[name]), st.sampled_from(NUMBERS)),
    )
    return draw(st.lists(change, min_size=1, max_size=3))


def changed(content, listed):
    """A copy with changes; one whose place an earlier change took away is left out."""
    content = copy.deepcopy(content)
    for verb, path, value in listed:
        try:
            parent, key = at(content, path[:-1]), path[-1]
            own = parent[key]
            if verb == "drop":
                del parent[key]
            elif verb == "rename" and isinstance(parent, dict):
                parent[value] = parent.pop(key)
            elif verb == "double" and isinstance(parent, list):
                parent.insert(key, copy.deepcopy(own))
            elif verb == "double":
                parent[f"{key}-2"] = copy.deepcopy(own)
            elif verb == "replace":
                parent[key] = copy.deepcopy(value)
            elif verb in ("copy", "swap"):
                other = copy.deepcopy(at(content, value))
                if verb == "swap":
                    at(content, value[:-1])[value[-1]] = copy.deepcopy(own)
                parent[key] = other
        except (LookupError, TypeError):
            continue
    return content


def planned(study, device):
    """Make everything that a plan of a study makes."""
    selection = Selection(study)
    for chosen in (selection, Selection.of_evidence(study, selection.runs()[::2])):
        blocks = [name for name in ("pairs", "bridge", "switches") if chosen.has(name)]
        judged = {*chosen.judged_pages, *(name for name in FURTHER if chosen.has(name))}
        pages = [
            *map(chosen.table, chosen.tables),
            *map(chosen.figure, chosen.figures),
            *(getattr(chosen, name) for name in ("costs", "index", "checks", *blocks)),
            *map(chosen.judged, judged),
        ]
        for page in pages:
            assert page is None or json.dumps(page.plain(), allow_nan=False)
        for name in FURTHER:
            assert not chosen.has(name) or plan.words(study, chosen.further_runs(name), [])
    for entry in study.entries.values():
        own = study.training(entry.protocol, entry.run, entry.seeds[-1])
        assert spec.from_mapping(json.loads(json.dumps(spec.to_mapping(own.run), allow_nan=False))) == own.run
        assert demand.training_minutes(own.run, own.teacher_model, entry.images, device) > 0
        assert demand.memory_mb(own.run, entry.images, device) > 0
        demand.training_priority(own.run, entry.role, own.teacher_model, entry.images)
        code_digest.components_of(own.run, own.teacher_model)
        code_digest.networks_of(own.run, own.teacher)
        if entry.pretrained:
            start_settings.published_file(study.config["weights"][entry.pretrained]).path()
    assert json.dumps(description.of_study(study))
    assert all(sentence for sentence in named_files.faults(study.config, STUDIES / study.name).values())


def assert_planned_or_refused(config, contents):
    try:
        found = studies.resolve_declared(config, contents, STUDIES, "config.yaml")
    except ConfigurationError as error:
        assert error.errors
        assert all(": " in line and "\n" not in line for line in error.errors)
        return
    except UserError as error:
        assert str(error)
        return
    event("planned")
    assert studies.paths(config).results
    for name, sources in config["sources"].items():
        watched(name, sources)
    for study in found.values():
        planned(study, config["execution"]["device"])


def alone(name):
    return {**WORKFLOW, "studies": [name], "on_request": []}


@given(changes("lightnn"))
def test_a_changed_study_is_planned_or_refused(listed):
    assert_planned_or_refused(alone("lightnn"), {"lightnn": changed(CONTENTS["lightnn"], listed)})


@given(changes("vlm"))
def test_a_changed_study_on_request_is_planned_or_refused(listed):
    assert_planned_or_refused(alone("vlm"), {"vlm": changed(CONTENTS["vlm"], listed)})


@given(changes("irkd"))
def test_a_changed_large_study_is_planned_or_refused(listed):
    assert_planned_or_refused(alone("irkd"), {"irkd": changed(CONTENTS["irkd"], listed)})


@given(changes("config.yaml"))
def test_a_changed_workflow_is_planned_or_refused(listed):
    config = changed(alone("lightnn"), listed)
    names = studies.declared(config, STUDIES)
    assert_planned_or_refused(config, {name: CONTENTS[name] for name in names})
