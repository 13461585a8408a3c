"""Which runs, files and settings tables, figures and pages need."""

import subprocess
import sys

import pytest
import yaml
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import study
from distillation.study.contents import by_run, filled
from distillation.study.figure_contents import CurveFigure, SaliencyFigure
from distillation.study.forms import claim_settings
from distillation.study.selection import Selection
from shipped import CONFIG, ROOT, STUDIES

ONE_SEED = {"seeds": {"students": [0]}}
P4 = ("tiny-p4-ce", "tiny-p4-kd")


def selection(changes=None, kept=None):
    """What is selected with these changes; of evidence if there is some."""
    resolved = study.resolve("irkd", study.merge(CONFIG, ONE_SEED, changes or {}))
    return Selection(resolved) if kept is None else Selection.of_evidence(resolved, kept)


def pages(selected):
    """Every page, by name."""
    tables = {name: selected.table(name) for name in selected.tables}
    figures = {name: selected.figure(name) for name in selected.figures}
    judged = {name: selected.judged(name) for name in claim_settings.BLOCKS}
    others = ("pairs", "costs", "switches", "index", "bridge")
    return tables | figures | judged | {name: getattr(selected, name) for name in others}


def test_a_page_is_the_same_after_its_way_to_a_job_as_plain_values():
    for name, page in pages(selection()).items():
        assert type(page)(**page.plain()) == page, name


def test_files_are_found_again_by_the_training_that_they_are_of():
    runs = selection({"select": ["tiny-p4-kd"], "reproduce": ["described"]}).runs()
    assert runs == [("described", "small-p4", TrainingSeed(0)), ("described", "tiny-p4-kd", TrainingSeed(0))]
    paths = filled("{study}/{protocol}/{run}/{seed}.json", "irkd", runs)
    assert paths == ["irkd/described/small-p4/0.json", "irkd/described/tiny-p4-kd/0.json"]
    assert {key: str(path) for key, path in by_run(runs, paths).items()} == dict(
        zip(runs, paths, strict=True)
    )
    with pytest.raises(ValueError, match="shorter"):
        by_run(runs, paths[:1])


def test_runs_are_those_selected_and_their_teachers_by_id_role_and_protocol():
    chosen = selection({"select": [*P4], "reproduce": ["described"]})
    assert {run for _, run, _ in chosen.runs()} == {*P4, "small-p4"}
    assert chosen.runs(role="teacher") == [("described", "small-p4", TrainingSeed(0))]
    assert chosen.runs({"tiny-p4-ce"}) == [("described", "tiny-p4-ce", TrainingSeed(0))]
    assert chosen.runs({"tiny-p4-ce"}, protocols=["released"]) == [
        ("released", "tiny-p4-ce", TrainingSeed(0))
    ]
    assert chosen.datasets == ["cifar10"]


def test_every_run_is_trained_alone_or_with_a_teacher_with_maps_or_without():
    chosen = selection()
    alone, with_maps = chosen.ids(taught=False), chosen.ids(taught=True, maps=True)
    without = chosen.ids(taught=True, maps=False)
    assert not (alone & with_maps or alone & without or with_maps & without)
    assert alone | with_maps | without == {**CONFIG["teachers"], **CONFIG["students"]}.keys()
    assert {"small-p4", "tiny-p4-ce"} <= alone
    assert "tiny-p4-kd" in with_maps
    assert not without


def test_a_table_needs_the_runs_in_its_cells_and_one_of_all_runs_every_one_reproduced():
    chosen = selection()
    table = chosen.table("table1")
    assert table.heading.endswith("(the paper's Table 1)")
    shown = {run for row in CONFIG["tables"]["table1"]["rows"] for run in row["runs"]}
    instead = {
        run
        for row in CONFIG["tables"]["table1"]["rows"]
        for runs in row.get("instead", {}).values()
        for run in runs
    }
    assert table.layout.ids == shown | instead
    assert {run for _, run, _ in table.runs} == {run for _, run, _ in chosen.runs(shown | instead)}
    assert {run for _, run, _ in chosen.table("runs").runs} == {run for _, run, _ in chosen.runs()}
    assert table.published == CONFIG["tables"]["table1"]["published"]
    plain = {"title": "t", "columns": ["a"], "rows": "all"}
    assert selection({"tables": {"plain": plain}}).table("plain").published is None


def test_a_row_shows_the_run_that_a_protocol_has_instead():
    row = {"label": "KD", "runs": ["tiny-p4-kd"], "instead": {"released": ["tiny-p4-ce"]}}
    table = {"title": "t", "columns": ["a"], "rows": [row]}
    layout = selection({"tables": {"other": table}}).table("other").layout
    assert layout.in_protocol("described") == {"KD": ("tiny-p4-kd",)}
    assert layout.in_protocol("released") == {"KD": ("tiny-p4-ce",)}
    assert layout.ids == {"tiny-p4-kd", "tiny-p4-ce"}


def test_a_page_says_why_a_protocol_does_not_have_a_run_of_its_own_and_of_no_other():
    chosen = selection()
    text = CONFIG["protocols"]["released"]["absent"]
    assert chosen.table("table1").why_absent("released", "tiny-p2-ce") == text
    assert chosen.table("table1").why_absent("described", "tiny-p2-ce") is None
    assert chosen.figure("curve-custom-p2-cl").absent == {"described": {}, "released": {}}


def test_seeds_are_those_of_the_runs_on_the_page():
    chosen = selection({"seeds": {"students": [3, 1], "teachers": [7]}})
    assert chosen.judged("claims").seeds == "1, 3; of teachers 7"
    assert chosen.figure("curve-custom-p2-cl").seeds == "1, 3"
    assert chosen.figure("curve-small-p4").seeds == "of teachers 7"
    assert selection(kept=[]).costs.seeds == "none was run"


def test_a_page_says_that_its_students_have_each_teacher():
    chosen = selection({"seeds": {"students": [0, 1], "teachers": [1, 2], "taught_by": "each"}})
    assert chosen.judged("claims").seeds == "0, 1, with each of the teachers 1, 2; of teachers 1, 2"
    assert chosen.figure("curve-custom-p2-cl").seeds == "0, 1"


def test_a_comparison_says_which_of_its_runs_have_a_teacher():
    pairs = {pair.label: pair for pair in selection().pairs.pairs if pair.first.protocol == "described"}
    found = pairs["KD minus Fixed resolution (CE only), ViT-Tiny (P4)"]
    assert (found.first.is_taught, found.second.is_taught) == (True, False)


def test_claims_need_the_runs_that_they_name_and_the_teachers_of_these():
    case = {"label": "a", "run": "tiny-p4-kd", "against": "custom-p2-ce"}
    case["instead"] = {"released": {"run": "tiny-p4-kd-cl"}}
    control = {"label": "b", "run": "tiny-p4-kd", "against": "tiny-p4-ce"}
    claim = CONFIG["claims"]["stated"]["kd-beats-ce"] | {"cases": [case], "controls": [control]}
    config = study.merge(CONFIG, ONE_SEED)
    config["claims"] = {**config["claims"], "stated": {"one": claim}}
    claims = Selection(study.resolve("irkd", config)).judged("claims")
    named = {"tiny-p4-kd", "custom-p2-ce", "tiny-p4-kd-cl", "tiny-p4-ce"}
    assert {run for _, run, _ in claims.runs} == named | {"small-p4"}
    assert claims.teachers == {"tiny-p4-kd": "small-p4", "tiny-p4-kd-cl": "small-p4"}
    assert claims.taught_by["released"]["tiny-p4-kd"] == ("released", "small-p4")


def test_controls_are_their_own_and_the_claims_of_the_paper_that_need_further_protocols():
    page = selection().judged("controls")
    own = CONFIG["controls"]["stated"]
    assert list(page.claims)[-len(own) :] == list(own)
    paper = set(page.claims) - set(own)
    assert {"cl-beats-ce", "patch-4-beats-patch-2", "optimizer-reset-helps"} <= paper
    assert "kd-cl-sal-beats-kd-cl" not in paper
    protocols = {protocol for protocol, _, _ in page.runs}
    assert protocols == {
        *("described", "released", "released-ce-augmented", "attention-dropout", "optimizer-carried"),
        *("equal-operations", "descending-resolutions", "mixed-resolutions", "random-resolutions"),
        *("maps-of-another-image", "maps-of-an-untrained-network"),
    }
    # Those that are compared, and no other run of these protocols.
    assert {run for protocol, run, _ in page.runs if protocol == "optimizer-carried"} == {
        f"{network}-{method}"
        for network in ("custom-p2", "tiny-p4")
        for method in ("cl", "kd-cl", "kd-cl-sal")
    }
    assert ("described", "tiny-p2-ce", TrainingSeed(0)) not in page.runs
    assert page.title == "Controls of the claims"
    assert list(page.protocols) == list(page.tested) == ["described", "released"]


def test_claims_beyond_the_paper_are_judged_in_the_protocols_that_they_name():
    page = selection().judged("best")
    assert list(page.claims) == list(CONFIG["best"]["stated"])
    assert list(page.protocols) == ["described", "better-p2-teacher", "stronger-recipe"]
    assert page.taught_by["better-p2-teacher"]["tiny-p2-kd"] == ("better-p2-teacher", "small-p2")
    assert ("better-p2-teacher", "small-p2", TrainingSeed(0)) in page.runs


def test_further_runs_are_those_that_the_reproduced_protocols_do_not_have():
    chosen = selection()
    assert {name: len(chosen.further_runs(name)) for name in claim_settings.FURTHER} == {
        "controls": 25,
        "best": 20,
    }
    assert not set(chosen.further_runs("controls")) & set(chosen.runs())
    reproduced = {"reproduce": ["described", "stronger-recipe", "optimizer-carried"]}
    assert len(selection(reproduced).further_runs("best")) == 4


def test_pages_beyond_the_paper_are_shown_if_evidence_of_them_is_kept():
    assert selection().judged_pages == ["claims"]
    kept = [("described", "custom-p2-cl", TrainingSeed(0))]
    assert selection(kept=kept).judged_pages == ["claims"]
    kept.append(("stronger-recipe", "custom-p2-cl", TrainingSeed(0)))
    assert selection(kept=kept).judged_pages == ["claims", "best"]
    assert set(selection(kept=kept).judged("best").runs) == set(kept)


def test_only_what_is_selected_is_trained_for_a_page_beyond_the_paper():
    changes = {"select": ["custom-p2-cl"], "reproduce": ["described"]}
    assert selection(changes).further_runs("best") == [
        ("optimizer-carried", "custom-p2-cl", TrainingSeed(0)),
        ("stronger-recipe", "custom-p2-cl", TrainingSeed(0)),
    ]


def test_claims_show_evidence_of_the_protocols_that_their_cases_name_but_no_other_protocol():
    kept = [
        ("optimizer-carried", "custom-p2-cl", TrainingSeed(0)),
        ("crops", "custom-p2-cl", TrainingSeed(0)),
        ("described", "custom-p2-cl", TrainingSeed(0)),
    ]
    assert set(selection(kept=kept).judged("claims").runs) == {kept[0], kept[2]}
    assert list(selection(kept=kept).judged("claims").protocols) == ["described", "released"]


PATCH_4 = {"curve": {"kind": "training-curve", "title": "t", "run": "tiny-p4-cl-patch-4"}}


def test_a_figure_of_one_run_has_the_protocols_and_stages_of_that_run():
    figure = selection({"figures": PATCH_4}).figure("curve")
    assert isinstance(figure, CurveFigure)
    assert list(figure.protocols) == ["released"]
    assert figure.stages[0][0] < figure.stages[-1][0] == 32
    assert figure.published is None
    published = CONFIG["figures"]["curve-small-p4"]["published"]
    assert selection().figure("curve-small-p4").published == published


def test_a_figure_of_a_run_that_no_reproduced_protocol_has_is_not_drawn():
    assert "curve" in selection({"figures": PATCH_4}).figures
    assert "curve" not in selection({"figures": PATCH_4, "reproduce": ["described"]}).figures


def test_a_figure_of_maps_needs_those_of_its_run_and_of_its_control():
    figure = selection().figure("saliency-custom-p2")
    assert isinstance(figure, SaliencyFigure)
    assert {run for _, run, _ in figure.runs} == {figure.run, figure.control}
    assert set(figure.labels) == {figure.run, figure.control}
    assert figure.dataset == "cifar10"


def test_a_figure_of_a_table_reproduces_the_numbers_of_the_papers_table():
    figure = selection().figure("table1-cells")
    assert figure.paper == "the numbers of Table 1"
    assert figure.layout == selection().table("table1").layout


def test_figures_are_told_apart_by_kind():
    chosen = selection()
    assert chosen.figures_of("inputs") == ["inputs"]
    assert len(chosen.figures_of("training-curve")) > 1
    assert {CONFIG["figures"][name]["kind"] for name in chosen.figures_of("training-curve")} == {
        "training-curve"
    }


def test_the_bridge_needs_the_runs_of_each_switch_in_its_protocol_and_in_the_base():
    bridge = selection().bridge
    for pair in bridge.pairs:
        assert (pair.first.protocol, pair.first.run, TrainingSeed(0)) in bridge.runs
        assert ("described", pair.second.run, TrainingSeed(0)) in bridge.runs
        assert (pair.second.protocol, pair.second.run) == ("described", pair.first.run)
    assert {run for _, run, _ in bridge.runs} == {pair.first.run for pair in bridge.pairs}


def test_pairs_are_those_of_the_rows_in_each_protocol_with_the_runs_shown_instead():
    row = {"label": "A", "runs": ["tiny-p4-kd"], "instead": {"released": ["tiny-p4-ce"]}}
    rows = [row, {"label": "B", "runs": ["tiny-p4-cl"]}]
    changes = {"tables": {"t": {"title": "T", "columns": ["C"], "rows": rows}}}
    pairs = selection(changes | {"pairs": {"table": "t", "rows": [["A", "B"]]}}).pairs.pairs
    assert [(pair.section, pair.label) for pair in pairs] == [
        ("Protocol: as described", "A minus B, C"),
        ("Protocol: as released, P2 teachers from scratch", "A minus B, C"),
    ]
    assert [pair.first.run for pair in pairs] == ["tiny-p4-kd", "tiny-p4-ce"]
    assert {pair.second.run for pair in pairs} == {"tiny-p4-cl"}
    assert {pair.printed for pair in pairs} == {("tiny-p4-kd", "tiny-p4-cl")}, "never those shown instead"


KEPT = [("released", "custom-p2-cl", TrainingSeed(0))]


def test_of_evidence_the_kept_trainings_alone_are_shown():
    kept = selection({"select": ["tiny-p4-ce"]}, kept=KEPT)
    assert kept.runs() == KEPT
    assert kept.table("table1").runs == tuple(KEPT)


def test_of_evidence_figures_of_images_and_maps_and_empty_ones_are_not_drawn():
    figures = selection(kept=KEPT).figures
    assert not {"inputs", "saliency-custom-p2"} & set(figures)
    assert {"curve-custom-p2-cl", "table1-cells", "accuracy-by-computation"} <= set(figures)
    assert "curve-custom-p2-ce" not in figures, "published values alone are no result"
    assert selection(kept=[]).figures == {}


def checked(kept=None, **changes):
    published = {"published": "published/stage_best.csv", "tolerances": {"best_val_acc": 2}}
    checks = {"title": "Check", "runs": {"custom-p2-cl": published}}
    return selection({"checks": checks, "reproduce": ["released"], **changes}, kept).checks


def test_a_check_needs_the_first_seed_of_its_runs_in_the_first_protocol():
    assert selection().checks is None
    assert checked(seeds={"students": [5, 0]}).runs == (("released", "custom-p2-cl", TrainingSeed(5)),)
    assert checked(kept=KEPT).runs == tuple(KEPT)
    assert checked(kept=[]) is None


def test_selecting_imports_neither_torch_nor_pandas():
    code = (
        "import sys; from distillation.study import selection;"
        "assert not {'torch', 'pandas', 'numpy'} & set(sys.modules), sorted(sys.modules)"
    )
    command = [sys.executable, "-c", code]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(ROOT / "workflow_scripts")})


def test_intervals_take_the_teacher_as_fixed_where_all_seeds_have_the_same():
    lightnn = yaml.safe_load((STUDIES / "lightnn/study.yaml").read_text(encoding="utf-8"))
    fixed = {
        name: Selection(study.resolve(name, config))
        for name, config in (("irkd", CONFIG), ("lightnn", lightnn))
    }
    assert fixed["irkd"].judged("claims").taken_as_fixed == (
        "The test images, and the one teacher of all seeds, are taken as fixed."
    )
    assert fixed["lightnn"].pairs.taken_as_fixed == "The test images are taken as fixed."
    crossed = selection({"seeds": {"students": [0], "teachers": [0, 1], "taught_by": "each"}})
    assert crossed.pairs.taken_as_fixed == "The test images are taken as fixed."
    alone = selection({"seeds": {"students": [0], "teachers": [1], "taught_by": "each"}})
    assert (
        alone.pairs.taken_as_fixed == "The test images, and the one teacher of all seeds, are taken as fixed."
    )
