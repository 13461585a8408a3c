"""The order in which jobs really start; a dry run tells none."""

import re

# Stands in for a training or a test: every output, and no more.
OUTPUTS = "from pathlib import Path\n\nfor path in snakemake.output:\n    Path(path).touch()\n"


def test_one_gpu_does_first_what_is_nearest_to_its_end(workspace):
    workspace = workspace(execution={"device": "cuda"}, select=["tiny-p4-kd", "tiny-p4-ce", "tiny-p4-cl"])
    for script in ("train", "distill", "evaluate"):
        (workspace.path / f"workflow_scripts/{script}.py").write_text(OUTPUTS, encoding="utf-8")
    for name in ("arrays.safetensors", "manifest.json"):
        path = workspace.path / "results/data/cifar10" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    said = workspace.snakemake("--cores", "4", "evaluation")
    started = re.findall(r"^Job \d+: (Training|Evaluating) ([\w-]+)", said, re.MULTILINE)
    # The curriculum has two epochs, so CL takes longer than KD, though its steps are shorter.
    runs = ["small-p4", "tiny-p4-ce", "tiny-p4-kd", "tiny-p4-cl"]
    assert started == [(verb, run) for run in runs for verb in ("Training", "Evaluating")]
