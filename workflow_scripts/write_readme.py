"""Write the generated parts of README.md and of the pages in docs."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import torch
import yaml
from distillation.data.dataset_settings import FORMATS
from distillation.pages import readme
from distillation.study import studies
from distillation.study.selection import Selection
from distillation.study.study import Study

# The parts of each page.
PAGES = {
    Path("README.md"): ["irkd", "lightnn"],
    Path("docs/lightnn.md"): ["differences"],
    Path("docs/results.md"): ["computation", "cpu"],
    Path("docs/structure.md"): ["rules"],
    Path("docs/troubleshooting.md"): ["troubles"],
}
OVERLAYS = Path("studies/irkd/overlays")


def results(study: Study, table: Path) -> str:
    """The part about a committed table of accuracies, named without its suffix."""
    cells = pd.read_csv(f"{table}.csv", dtype={"seeds": str})
    return readme.results(cells, Selection(study).protocols, f"{table}.md")


def made() -> dict[Path, str]:
    """The pages as they should be."""
    found, shorter = (
        studies.resolve(studies.configuration(files), Path("studies"), str(files[-1]))
        for files in ([Path("config.yaml")], [Path("config.yaml"), OVERLAYS / "cpu.yaml"])
    )
    study = found["irkd"]
    protocols = Selection(study).protocols
    committed = Path("results/reference")
    differences = pd.read_csv(committed / "lightnn/pairs/pairs.csv", dtype={"seeds": str})
    costs = pd.read_csv(committed / "irkd/costs/costs.csv")
    stages = pd.read_csv(committed / "cpu/irkd/checks/checks.csv")
    [dataset] = study.config["datasets"].values()
    images = FORMATS[dataset["format"]].train - dataset["split"]["holdout"]
    checks = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(committed.glob("bench/*/gpu-check.json"))
    ]
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "all"]
    graph = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    parts = {
        "irkd": results(study, committed / "irkd/tables/table1"),
        "lightnn": results(found["lightnn"], committed / "lightnn/tables/accuracies"),
        "differences": readme.differences(differences[differences["protocol"] == "released"]),
        "cpu": readme.stages(stages, shorter["irkd"].config["note"]),
        "computation": readme.computation(study, protocols, images, costs, checks),
        "rules": readme.rulegraph(graph, leave_out=["all"]),
        "troubles": readme.troubles(yaml.safe_load(Path("tests/troubles.yaml").read_text(encoding="utf-8"))),
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
