"""Check of fused steps of one kind: seconds of compiling, milliseconds, and equal bits in two processes."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from distillation.core import devices
from distillation.core.errors import UserError

from bench import cases, kind_check, kinds


def check(name: str, overlays: Sequence[Path], device: str, size: int | None) -> dict:
    """Run some fused steps of a kind in two processes, each with an empty cache of the compiler.

    Args:
        name: of the kind, "protocol/run".
        overlays: of the configuration.
        device: "cpu" or "cuda".
        size: images per step; by default that of the run.

    Returns:
        The row of the second process, see `kind_check.check`, of which first_s is mostly compiling, and
        same_bits, whether gradients and sums are equal in both processes.

    Raises:
        UserError: there is no such kind, or its networks have no blocks.
    """
    known = {kind.name: kind for kind in kinds.of(cases.load(overlays)[1])}
    fusible = [each for each, kind in known.items() if kind.run.model.blocks]
    if name not in fusible:
        raise UserError(f"--fused {name}: not a kind of step with blocks; there are {', '.join(fusible)}.")
    first, second = (_in_a_process(name, overlays, device, size) for _ in range(2))
    return second | {"same_bits": first["bits"] == second["bits"]}


def _in_a_process(name: str, overlays: Sequence[Path], device: str, size: int | None) -> dict:
    places = [str(cases.HOME / "workflow_scripts"), str(cases.HOME), os.environ.get("PYTHONPATH")]
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, places)),
            "TORCHINDUCTOR_CACHE_DIR": cache,
            "TRITON_CACHE_DIR": cache,
        }
        given = json.dumps([name, [str(Path(path).resolve()) for path in overlays], device, size])
        command = [sys.executable, "-m", "bench.fused_check", given]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise UserError(f"A fused step of {name} failed: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def _row(name: str, overlays: Sequence[str], device: str, size: int | None) -> dict:
    [kind] = [
        kind for kind in kinds.of(cases.load([Path(path) for path in overlays])[1]) if kind.name == name
    ]
    fused = replace(kind, run=replace(kind.run, fused=True))
    return kind_check.check(fused, kind.resolutions[-1], devices.setup(device, threads=1), size)


if __name__ == "__main__":
    print(json.dumps(_row(*json.loads(sys.argv[1]))))
