"""The files that a study names are checked when it is planned."""

import shutil
import subprocess
import sys

import pytest
import yaml
from distillation.core.errors import InputError
from distillation.study import study
from distillation.study.problems import named_files
from shipped import CONFIG, ROOT, STUDIES, overlay

NUMBERS = {
    "published/table1.csv": "run,accuracy\n",
    "published/reported.csv": "",
    "published/stage_best.csv": "run,stage_px,val_acc\ncustom-p2-cl,12,38.22\n",
    "published/curves/custom-p2-kd.csv": "global_epoch,val_acc\n1,much\n",
    "sources.yaml": "described: {all: {seeds: 3}}\n",
}


@pytest.fixture
def folder(tmp_path):
    """A copy of the folder of IRKD."""
    return shutil.copytree(STUDIES / "irkd", tmp_path / "irkd")


@pytest.mark.parametrize("name", ["irkd", "lightnn", "vlm"])
def test_no_shipped_file_has_a_fault(name):
    config = yaml.safe_load((STUDIES / name / "study.yaml").read_text(encoding="utf-8"))
    assert named_files.faults(study.resolve(name, config).config, STUDIES / name) == {}


def test_each_file_that_a_study_names_is_checked_and_all_faults_are_found(folder):
    for path in [*folder.glob("published/**/*.csv"), folder / "sources.yaml"]:
        path.unlink()
    expected = {path.relative_to(STUDIES / "irkd") for path in (STUDIES / "irkd").glob("published/**/*.csv")}
    found = named_files.faults(CONFIG, folder)
    assert set(found) == {*map(str, expected), "sources.yaml"}
    assert all("this file cannot be read (No such file or directory)" in text for text in found.values())


def test_each_file_is_held_to_what_its_page_reads(folder):
    for name, content in NUMBERS.items():
        (folder / name).write_text(content, encoding="utf-8")
    found = named_files.faults(CONFIG, folder)
    assert {name: text.removeprefix(str(folder / name)) for name, text in found.items()} == {
        "published/table1.csv": ": there is no column 'source' and no column 'doubt' (found: run, accuracy);"
        " add it.",
        "published/reported.csv": ": this file is empty; write the columns run, quantity, value,"
        " source, doubt.",
        "published/stage_best.csv": ": there is no column 'view' and no column 'digitized' (found: run,"
        " stage_px, val_acc); add it.",
        "published/curves/custom-p2-kd.csv": ", line 2, column 'val_acc': 'much' is not a number; write one.",
        "sources.yaml": ": described.all.seeds: 3 must be text.",
    }


def test_a_check_is_held_to_the_measures_of_its_tolerances(folder):
    config = {**CONFIG, "figures": {}, "checks": overlay("check")["checks"]}
    (folder / "published/curves/custom-p2-ce.csv").write_text("global_epoch,val_acc\n1,2\n1,3\n")
    (folder / "published/stage_best.csv").write_text("run,stage_px,val_acc\na,12,1\na,12,2\n")
    found = named_files.faults(config, folder)
    assert "no column 'train_acc'" in found["published/curves/custom-p2-ce.csv"]
    assert "another row of run 'a' and stage_px 12" in found["published/stage_best.csv"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("described: [all]\n", "described: ['all'] must be a mapping."),
        ("described: {everybody: {seeds: ours}}\n", "described.everybody: unknown key (known: all, runs,"),
        ("described: {runs: {small-p4: ours}}\n", "described.runs.small-p4: 'ours' must be a mapping."),
        ("- described\n", "this file must be a mapping"),
        ("", "this file is empty"),
    ],
)
def test_sources_of_another_form_are_refused_with_the_place(tmp_path, content, said):
    path = tmp_path / "sources.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as error:
        named_files.sources(path)
    assert str(error.value).startswith(f"{path}: {said}")


def test_checking_imports_neither_torch_nor_pandas():
    code = (
        "import sys; from distillation.study.problems import named_files;"
        "assert not {'torch', 'pandas', 'numpy'} & set(sys.modules), sorted(sys.modules)"
    )
    environment = {"PYTHONPATH": str(ROOT / "workflow_scripts")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
