"""Write the generated parts of README.md."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import torch
import yaml
from distillation.data.dataset_settings import FORMATS
from distillation.pages import readme
from distillation.study import study

README = Path("README.md")


def made() -> str:
    """README.md as it should be."""
    config = yaml.safe_load(Path("config.yaml").read_text())
    resolved = study.resolve(config, "config.yaml")
    shorter = study.merge(config, yaml.safe_load(Path("config/cpu.yaml").read_text()))
    protocols = {protocol: config["protocols"][protocol]["label"] for protocol in config["reproduce"]}
    committed, committed_shorter = (
        Path("results/reference") / name for name in (resolved.name, shorter["study"])
    )
    cells = pd.read_csv(committed / "tables/table1.csv", dtype={"seeds": str})
    costs = pd.read_csv(committed / "costs/costs.csv")
    [dataset] = config["datasets"].values()
    images = FORMATS[dataset["format"]].train - dataset["split"]["holdout"]
    found = sorted(Path("results/reference/bench").glob("*/gpu-check.json"))
    checks = [json.loads(path.read_text(encoding="utf-8")) for path in found]
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "all"]
    graph = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    parts = {
        "results": readme.results(cells, protocols),
        "cpu": readme.stages(pd.read_csv(committed_shorter / "checks/checks.csv"), shorter["note"]),
        "computation": readme.computation(resolved, protocols, images, costs, checks),
        "rules": readme.rulegraph(graph, leave_out=["all"]),
    }
    return readme.fill(README.read_text(), parts)


if __name__ == "__main__":
    # The operations that are counted are small: more threads would wait for each other.
    torch.set_num_threads(1)
    README.write_text(made())
