"""The configuration of a workflow and the studies that it names, from files and with all their errors."""

import copy

import pytest
import yaml
from distillation.core.errors import InputError
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import studies
from distillation.study.configuration import ConfigurationError
from shipped import CONFIG, ROOT, STUDIES, WORKFLOW, overlay

# The smallest study that there is: one run, no teacher, no page but those of every study.
SMALL = {
    "title": "Small",
    "reproduce": ["described"],
    "seeds": {"students": [0]},
    "datasets": {
        "whole": {"format": "cifar10", "normalization": CONFIG["datasets"]["cifar10"]["normalization"]}
    },
    "models": {"net": CONFIG["models"]["vit-tiny-p4"]},
    "curricula": {"fixed": [{"resolution": 32, "epochs": 1}]},
    "recipes": {"student": {**CONFIG["recipes"]["student"], "dataset": "whole"}},
    "methods": {"ce": CONFIG["methods"]["ce"]},
    "protocols": {"described": {"label": "as described", "selection": "last"}},
    "students": {"net-ce": {"model": "net", "method": "ce", "label": "Net"}},
    "evaluation": {"resolutions": [32]},
}


@pytest.fixture
def folder(tmp_path):
    """A folder of studies, with what is written into it by name; the shipped study is there."""

    def write(**contents):
        for name, content in {"irkd": CONFIG, **contents}.items():
            path = tmp_path / "studies" / name / "study.yaml"
            path.parent.mkdir(parents=True)
            path.write_text(
                content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8"
            )
        return tmp_path / "studies"

    return write


def small(**changes):
    """The small study with other blocks."""
    return {**copy.deepcopy(SMALL), **changes}


def errors(folder, **config):
    """The errors of a configuration with these keys, one a line."""
    with pytest.raises(ConfigurationError) as caught:
        studies.resolve({**WORKFLOW, "on_request": [], "studies": ["irkd"], **config}, folder, "config.yaml")
    return caught.value.errors


def test_a_study_needs_no_teacher_and_no_block_of_a_page(folder):
    both = studies.resolve(
        {**WORKFLOW, "on_request": [], "studies": ["irkd", "small"]}, folder(small=SMALL), "config.yaml"
    )
    assert list(both) == ["irkd", "small"]
    assert list(both["small"].entries) == [("described", "net-ce")]
    assert both["irkd"].entries.keys() == studies.resolve(WORKFLOW, STUDIES, "")["irkd"].entries.keys()


def test_an_error_about_a_name_of_two_lines_is_one_line(folder):
    found = errors(folder(), studies=["irkd", "two\nlines"])
    assert any(r"no folder 'two\nlines'" in line for line in found)
    assert not any("\n" in line for line in found)


def test_what_stands_below_the_name_of_a_study_changes_it_alone(folder):
    config = {
        **WORKFLOW,
        "on_request": [],
        "studies": ["irkd", "small"],
        "small": {"seeds": {"students": [5]}},
    }
    both = studies.resolve(config, folder(small=SMALL), "config.yaml")
    assert {entry.seeds for entry in both["small"].entries.values()} == {(TrainingSeed(5),)}
    assert both["irkd"].config["seeds"] == CONFIG["seeds"]


def test_the_shipped_overlays_are_merged_over_the_study_in_their_order(tmp_path):
    later = tmp_path / "later.yaml"
    later.write_text("irkd: {note: later}\nexecution: {threads: 7}\n")
    config = studies.configuration([ROOT / "config.yaml", STUDIES / "irkd/overlays/demo.yaml", later])
    assert config["execution"] == {**WORKFLOW["execution"], "device": "cpu", "threads": 7}
    found = studies.resolve(config, STUDIES, "")["irkd"].config
    assert found["note"] == "later"
    assert found["no_verdict"] == overlay("demo")["no_verdict"]
    assert list(found["students"]) == list(CONFIG["students"])


def test_results_have_a_place_of_their_own_where_an_overlay_says_so():
    config = studies.configuration([ROOT / "config.yaml", STUDIES / "irkd/overlays/cpu.yaml"])
    paths = studies.paths(config)
    assert (paths.results, paths.reference, paths.rebuilt) == (
        *("results/cpu", "results/reference/cpu", "results/rebuilt/cpu"),
    )
    assert studies.paths(WORKFLOW).reference == "results/reference"


def test_an_overlay_that_names_no_study_is_shown_the_form_that_does(folder):
    assert errors(folder(), students={"x": {}}, select=["x"]) == [
        "config.yaml: students: it belongs below the name of its study; write `irkd: {students: ...}`",
        "config.yaml: select: it belongs below the name of its study; write `irkd: {select: ...}`",
    ]


def test_an_unknown_key_is_named_with_the_nearest_known_one(folder):
    there = folder(small=SMALL)
    assert errors(there, exeuction={}) == ["config.yaml: exeuction: unknown key (did you mean 'execution'?)"]
    assert errors(there, smal={}) == ["config.yaml: smal: unknown key (did you mean 'small'?)"]


def test_an_overlay_of_a_study_that_is_not_run_is_refused(folder):
    assert errors(folder(small=SMALL), small={}) == [
        "config.yaml: small: this study is not in `studies` (irkd); add it, or remove this key"
    ]


def test_studies_on_request_are_there_too_after_those_to_run(folder):
    config = {**WORKFLOW, "studies": ["small"], "on_request": ["irkd", "small"]}
    assert list(studies.resolve(config, folder(small=SMALL), "config.yaml")) == ["small", "irkd"]


def test_a_study_on_request_without_a_folder_is_refused_under_its_own_key(folder):
    expected = (
        "config.yaml: on_request: no folder 'smal' with a study.yaml in studies/ (did you mean 'small'?)"
    )
    assert errors(folder(small=SMALL), on_request=["smal"]) == [expected]


def test_a_study_without_a_folder_is_named_with_the_nearest_that_has_one(folder):
    expected = "config.yaml: studies: no folder 'irk' with a study.yaml in studies/ (did you mean 'irkd'?)"
    assert errors(folder(), studies=["irk"]) == [expected]


@pytest.mark.parametrize("value", [3, "x", None, [1]])
def test_an_overlay_of_a_study_is_a_mapping(folder, value):
    assert errors(folder(), irkd=value) == [
        f"config.yaml: irkd: {value!r} must be a mapping: what differs in the study 'irkd'"
    ]


@pytest.mark.parametrize("name", ["tables", "data", "demo", "train"])
def test_a_study_named_as_a_target_or_a_folder_of_results_is_refused(folder, name):
    assert errors(folder(**{name: SMALL}), studies=["irkd", name]) == [
        f"config.yaml: studies: '{name}' is the name of a target, of a folder of results or of a key; rename"
        " the folder of the study"
    ]


def test_a_study_is_named_by_an_id(folder):
    form = "Lower-case letters, digits and single hyphens."
    said = f"config.yaml: studies.0: 'My Study' has the wrong form; expected: {form}"
    assert said in errors(folder(), studies=["My Study"])


def test_a_study_named_as_a_key_is_refused(folder):
    found = errors(folder(sources=SMALL), studies=["irkd", "sources"])
    assert any(
        "'sources' is the name of a target, of a folder of results or of a key" in line for line in found
    )


def test_a_protocol_named_as_a_target_is_refused(folder):
    content = small(reproduce=["tables"], protocols={"tables": SMALL["protocols"]["described"]})
    assert errors(folder(small=content), studies=["irkd", "small"]) == [
        "small: protocols.tables: it is the name of a target; rename the protocol"
    ]


def with_protocol(name, run):
    """The small study with another protocol and another run."""
    protocol, entry = SMALL["protocols"]["described"], SMALL["students"]["net-ce"]
    return small(reproduce=[name], protocols={name: protocol}, students={run: entry})


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (
            {"small": with_protocol("irkd", "net-ce")},
            "small: protocols.irkd: its target 'irkd' is also that of the study 'irkd'; rename the protocol",
        ),
        (
            {
                "irkd-extra": with_protocol("described", "net-ce"),
                "irkd": CONFIG
                | {"protocols": {**CONFIG["protocols"], "extra": {"label": "extra", "selection": "last"}}},
            },
            "irkd: protocols.extra: its target 'irkd-extra' is also that of the study 'irkd-extra'; rename"
            " the protocol",
        ),
        (
            {"a": with_protocol("b-c", "one"), "a-b": with_protocol("c", "two")},
            "a-b: protocols.c: its target 'a-b-c' is also that of the protocol 'b-c' of the study 'a'; rename"
            " the protocol",
        ),
        (
            {"a": with_protocol("b", "one"), "z": with_protocol("a-b", "two")},
            "z: protocols.a-b: its target 'a-b' is also that of the protocol 'b' of the study 'a'; rename the"
            " protocol",
        ),
    ],
    ids=["study", "study and protocol", "two studies", "protocol"],
)
def test_two_targets_of_one_name_are_refused(folder, contents, said):
    assert errors(folder(**contents), studies=list(contents | {"irkd": CONFIG})) == [said]


def test_a_run_of_two_studies_is_refused(folder):
    content = small(students={"tiny-p4-ce": SMALL["students"]["net-ce"]})
    assert errors(folder(small=content), studies=["irkd", "small"]) == [
        "small: the study 'irkd' has a run 'tiny-p4-ce' too; rename one of them"
    ]


def test_studies_share_a_data_set_of_equal_files_and_no_other(folder):
    shared = small(
        datasets={"cifar10": CONFIG["datasets"]["cifar10"]},
        recipes={"student": {**SMALL["recipes"]["student"], "dataset": "cifar10"}},
    )
    there = folder(small=shared)
    both = {"studies": ["irkd", "small"]}
    assert studies.resolve({**WORKFLOW, "on_request": [], **both}, there, "").keys() == {"irkd", "small"}
    other = {"std": [0.5, 0.5, 0.5]}
    changed = {"small": {"datasets": {"cifar10": {"normalization": other}}}}
    assert studies.resolve({**WORKFLOW, "on_request": [], **both, **changed}, there, "").keys() == {
        "irkd",
        "small",
    }
    limited = {"small": {"datasets": {"cifar10": {"limit": {"train": 10}}}}}
    assert errors(there, **both, **limited) == [
        "small: datasets.cifar10: in the study 'irkd' it has another format, split or limit; rename one of"
        " them, or make them equal"
    ]


def test_figures_with_one_name_are_of_one_kind(folder):
    figure = {"kind": "stages", "title": "t", "run": "net-ce"}
    assert errors(folder(small=small(figures={"inputs": figure})), studies=["irkd", "small"]) == [
        "small: figures.inputs: in the study 'irkd' it is of another kind; rename one of them"
    ]


def test_errors_of_every_study_and_of_the_workflow_are_reported_at_once(folder):
    there = folder(small=small(select=["nett-ce"]))
    config = {"studies": ["irkd", "small"], "irkd": {"select": ["x"]}, "execution": {"device": "gpu"}}
    found = errors(there, **config)
    assert [error.split(": ")[0] for error in found][-2:] == ["irkd", "small"]
    assert "small: select: no run 'nett-ce' (did you mean 'net-ce'?)" in found
    assert "config.yaml: execution.device: 'gpu' is not possible here (did you mean 'cpu'?)" in found


@pytest.mark.parametrize(
    ("text", "said"),
    [("- 1\n", "must be a mapping"), ("", "is empty"), ("a: [\n", "is not YAML")],
)
def test_a_study_that_cannot_be_read_is_named(folder, text, said):
    there = folder(small=text)
    with pytest.raises(InputError, match=said) as caught:
        studies.resolve({**WORKFLOW, "on_request": [], "studies": ["small"]}, there, "config.yaml")
    assert str(there / "small/study.yaml") in str(caught.value)
