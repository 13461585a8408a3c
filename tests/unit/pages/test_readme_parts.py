"""Parts of the README that are made: what they say, and when they cannot be."""

import pandas as pd
import pytest
from distillation.core.errors import InputError
from distillation.pages import readme
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import study
from distillation.training import flops
from shipped import CONFIG

PROTOCOLS = {"described": "as described"}
MARKED = "before\n<!-- made by make readme: results -->\nold\n<!-- end -->\nafter\n"
CELL = {"protocol": "described", "row": "CE", "column": "Custom", "run": "a", "published": 66.85}


def test_a_part_replaces_what_stood_between_its_marks_and_nothing_else():
    once = readme.fill("README.md", MARKED, {"results": "new\n"})
    assert once == MARKED.replace("old\n", "\nnew\n\n")
    assert readme.fill("README.md", once, {"results": "new"}) == once


@pytest.mark.parametrize(
    ("text", "marked"),
    [("no marks", "none"), (MARKED.replace("results", "other"), "other"), (2 * MARKED, "results, results")],
)
def test_marks_that_do_not_fit_the_parts_are_an_error(text, marked):
    with pytest.raises(InputError) as error:
        readme.fill("docs/a.md", text, {"results": "new"})
    assert str(error.value) == (
        f"docs/a.md marks the parts {marked}, but the generated parts are results; mark each once as"
        " `<!-- made by make readme: NAME -->` ... `<!-- end -->`."
    )


def test_a_cell_has_the_published_value_and_one_of_each_protocol_and_a_caption_says_what_they_are():
    cells = pd.DataFrame(
        [
            CELL
            | {"status": "run", "mean": 70.0, "std": 0.5}
            | {"seeds": "0 1", "selection": "best", "test_images": 10000},
            CELL | {"protocol": "released", "status": "not run", "mean": None, "std": None},
        ]
    )
    table = readme.results(cells, {**PROTOCOLS, "released": "as released"}, "full.md")
    assert "Top-1 test accuracy (%): published / as described / as released" in table
    assert "| CE" in table and "| 66.85 / 70.00 ± 0.50 / - " in table
    assert "\n\n- *as described*: Mean ± sample standard deviation over 2 seeds, 10,000 test images" in table
    assert "\n- *as released*: No run of this protocol was trained.\n" in table
    assert table.endswith("or not run yet; [the full table](full.md) says which.")


def test_the_stages_of_a_shorter_run_stand_under_its_note():
    frame = pd.DataFrame(
        {"run": ["cl"], "what": ["best val_acc of 12 px"], "reproduced": [37.86], "published": [38.22],
         "tolerance": [3.0], "difference": [-0.36], "follows": [True]}
    )  # fmt: skip
    said = readme.stages(frame, "CPU, stages finished: 12 px")
    assert said.startswith("**CPU, stages finished: 12 px**\n\n|")
    assert (
        "| cl, best val_acc of 12 px | 37.86        | 38.22       | -0.36        | 3           | follows   |"
        in said
    )


def test_operations_are_summed_over_all_seeds_and_the_hours_are_those_measured():
    chosen = study.resolve(
        "irkd", study.merge(CONFIG, {"reproduce": ["described"], "select": ["tiny-p4-ce"]})
    )
    [entry] = chosen.chosen()
    counted = 3 * sum(flops.training_flops(entry.resolve(TrainingSeed(0)), None, 45_000, [60])) / 1e18
    unmeasured = readme.computation(chosen, PROTOCOLS, 45_000, pd.DataFrame(), [])
    assert unmeasured == (
        f"- *as described*: 3 trainings, {counted:.2f} EFLOP (0.00 of them the teachers');"
        " hours not measured yet."
    )
    costs = pd.DataFrame(
        [{"protocol": "described", "seconds": 1800.0, "device": "GPU X", "precision": "bf16"}] * 2
    )
    measured = readme.computation(chosen, PROTOCOLS, 45_000, costs, [])
    assert measured.endswith("; 2 trainings took 1.0 hours on GPU X (bf16), 1 were not run.")
    checks = [{"device": "GPU Y", "hours": {"described": 12.34}}, {"device": "GPU Z", "hours": {}}]
    estimated = readme.computation(chosen, PROTOCOLS, 45_000, pd.DataFrame(), checks)
    assert estimated.endswith("; about 12.3 hours one after the other on GPU Y, estimated.")


def test_the_graph_of_rules_is_the_same_in_whatever_order_snakemake_prints_it():
    lines = [
        "\tid0[all]",
        "\tid1[train]",
        "\tid2[evaluate]",
        "\tid1 --> id2",
        "\tid2 --> id0",
        "\tid1 --> id0",
    ]
    expected = "```mermaid\nflowchart LR\n    train --> evaluate\n```"
    assert readme.rulegraph("\n".join(lines), leave_out=["all"]) == expected
    assert readme.rulegraph("\n".join(reversed(lines)), leave_out=["all"]) == expected
