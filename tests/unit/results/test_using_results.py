"""The page on the use of results, block by block, as a reader would run it."""

import contextlib
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_runs
import torch
from distillation.data.dataset_settings import FORMATS
from shipped import ROOT
from torchvision.io import write_png

PAGE = (ROOT / "docs/using-results.md").read_text(encoding="utf-8")
# A block of code and, if it says what is printed on every machine, that.
BLOCKS = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", PAGE, flags=re.DOTALL)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder with a finished run at the place of the page's, the evidence, and a picture."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results/reference").symlink_to(ROOT / "results/reference")
    [named] = set(re.findall(r'load\("(.*?)"\)', PAGE))
    (tmp_path / named).mkdir(parents=True)
    data = replace(tiny_runs.arrays(), classes=FORMATS["cifar10"].classes)
    model = replace(tiny_runs.STUDENT, patch_size=2)
    name = Path(named).parent.name
    tiny_runs.train(tiny_runs.run(model=model), tmp_path / named, data=data, name=name)
    write_png(torch.randint(256, (3, 32, 32), dtype=torch.uint8), str(tmp_path / "cat.png"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_block_runs_and_prints_what_the_page_says(checkout):
    names = {}
    assert len(BLOCKS) == PAGE.count("```python") >= 6
    for code, expected in BLOCKS:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "docs/using-results.md", "exec"), names)
        if expected:
            assert printed.getvalue() == expected
    assert sum(bool(expected) for _, expected in BLOCKS) >= 4
    assert (checkout / "cat-map.png").stat().st_size > 1000
    assert names["saliency"].shape == (16, 16)
    assert set(names["run"].classify("cat.png").index) == set(FORMATS["cifar10"].classes)
