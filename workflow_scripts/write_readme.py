"""Write the generated parts of README.md and of the pages in docs."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import torch
from distillation.data.dataset_settings import FORMATS
from distillation.pages import readme
from distillation.study import studies
from distillation.study.selection import Selection

# The parts of each page.
PAGES = {
    Path("README.md"): ["results"],
    Path("docs/results.md"): ["computation", "cpu"],
    Path("docs/structure.md"): ["rules"],
}
OVERLAYS = Path("studies/irkd/overlays")


def made() -> dict[Path, str]:
    """The pages as they should be."""
    study, shorter = (
        studies.resolve(studies.configuration(files), Path("studies"), str(files[-1]))["irkd"]
        for files in ([Path("config.yaml")], [Path("config.yaml"), OVERLAYS / "cpu.yaml"])
    )
    protocols = Selection(study).protocols
    committed = Path("results/reference")
    cells = pd.read_csv(committed / "irkd/tables/table1.csv", dtype={"seeds": str})
    costs = pd.read_csv(committed / "irkd/costs/costs.csv")
    stages = pd.read_csv(committed / "cpu/irkd/checks/checks.csv")
    [dataset] = study.config["datasets"].values()
    images = FORMATS[dataset["format"]].train - dataset["split"]["holdout"]
    checks = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(committed.glob("bench/*/gpu-check.json"))
    ]
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "all"]
    graph = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    parts = {
        "results": readme.results(cells, protocols, "results/reference/irkd/tables/table1.md"),
        "cpu": readme.stages(stages, shorter.config["note"]),
        "computation": readme.computation(study, protocols, images, costs, checks),
        "rules": readme.rulegraph(graph, leave_out=["all"]),
    }
    return {
        path: readme.fill(str(path), path.read_text(encoding="utf-8"), {name: parts[name] for name in names})
        for path, names in PAGES.items()
    }


if __name__ == "__main__":
    # The operations that are counted are small: more threads would wait for each other.
    torch.set_num_threads(1)
    for path, text in made().items():
        path.write_text(text, encoding="utf-8")
