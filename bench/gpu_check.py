"""Check this GPU for the study, in little more than a minute: python -m bench.gpu_check [--rehearse]."""

import argparse
import copy
import functools
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from distillation.core import atomic, devices, streams
from distillation.core.atomic import replacing
from distillation.core.errors import UserError
from distillation.data import views
from distillation.evaluation import predictions
from distillation.networks.families.vit import Model
from distillation.pages import documents
from distillation.study.spec import Run
from distillation.study.study import Study
from distillation.training import checkpoint, graph_recording, sessions

from bench import cases, estimates, fused_check, gpu_check_page, kind_check, kinds

_LOG = logging.getLogger("gpu-check")
_GROUPS = cases.HOME / "studies/irkd/overlays/groups"
_REHEARSAL = cases.HOME / "studies/irkd/overlays/demo.yaml"


def main(arguments: list[str]) -> None:
    """Measure, write gpu-check.json after each case and gpu-check.md at the end, and print the latter.

    Raises:
        SystemExit: something is missing or invalid; the message says how to fix it. Or, with status 1,
            steps do not repeat.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        check = _Check(options)
        check.run()
    except UserError as error:
        sys.exit(str(error))
    print((check.folder / "gpu-check.md").read_text(encoding="utf-8"))
    print(f"Written to {check.folder}: gpu-check.json, gpu-check.md")
    if not all(row.get("repeats", True) for row in check.found["cases"].values()):
        sys.exit("Steps do not repeat bit by bit here: no training on this GPU can be reproduced.")


class _Check:
    """The check and its results so far, written after each case."""

    def __init__(self, options: argparse.Namespace):
        self._options = options
        self._overlays = [_REHEARSAL, *options.config] if options.rehearse else options.config
        self._config, self._study = cases.load(self._overlays)
        if not options.rehearse and not torch.cuda.is_available():
            raise UserError(
                "torch finds no CUDA device here; run this on a machine with one, or rehearse it on a CPU:"
                " make gpu-check ARGS=--rehearse"
            )
        self._device = devices.setup("cpu" if options.rehearse else "cuda", threads=1)
        here = devices.describe(self._device)
        folder = options.out or Path(self._config["pathvars"]["results"]) / "bench"
        self.folder = folder / "-".join(str(here["name"]).lower().split())
        self.found = self._continued() or {
            "device": here["name"],
            "begin": time.time(),
            "rehearsal": options.rehearse,
            "session": sessions.session() | here,
            "configuration": [path.name for path in self._overlays],
            "cases": {},
        }

    def _continued(self) -> dict | None:
        """Results of the process that this one replaced because a recording failed there; None otherwise."""
        path = self.folder / "gpu-check.json"
        given_up = graph_recording.graphs_given_up() and path.is_file()
        return json.loads(path.read_text(encoding="utf-8")) if given_up else None

    def _note(self, text: str) -> None:
        _LOG.info("%5.1f s: %s", time.time() - self.found["begin"], text)
        atomic.write_json(self.folder / "gpu-check.json", self.found)

    def run(self) -> None:
        """Run the whole check; kinds of step until their time is over."""
        self._kinds()
        self._fused()
        self._views()
        self._saving()
        self._job()
        self.found["runs"] = self._runs(self._study)
        self.found["groups"] = {}
        # Groups split the study without overlays.
        for path in [] if self._options.config else sorted(_GROUPS.glob("*.yaml")):
            _, group = cases.load([*self._overlays, path])
            trainings = {f"{e.protocol}/{e.run}": len(e.seeds) for e, _, _ in kinds.trainings(group)}
            self.found["groups"][path.stem] = trainings
        chosen = self.found["chosen"] = {}
        for entry in self._study.chosen():
            chosen.setdefault(entry.protocol, []).append(f"{entry.protocol}/{entry.run}")
        self.found["hours"] = {
            name: gpu_check_page.hours(self.found, gpu_check_page.chosen_of(self.found, name))
            for name in chosen
        }
        self._note("estimated all runs")
        with replacing(self.folder / "gpu-check.md") as temporary:
            text = documents.markdown(gpu_check_page.page(self.found))
            temporary.write_text(text, encoding="utf-8")

    def _kinds(self) -> None:
        listed = kinds.of(self._study)
        # The highest resolution of each kind matters most; the lowest gives the minimum time of a step.
        wanted = [(kind, kind.resolutions[-1]) for kind in listed]
        wanted += [(kind, kind.resolutions[0]) for kind in listed if len(kind.resolutions) > 1]
        size = 4 if self._options.rehearse else None
        for kind, resolution in wanted:
            name = estimates.name_of(kind, resolution)
            if name in self.found["cases"]:
                continue
            if time.time() - self.found["begin"] > self._options.seconds and self.found["cases"]:
                self._note(f"{name}: omitted, {self._options.seconds:.0f} s are over")
                continue
            graphs = not graph_recording.graphs_given_up()
            row = kind_check.check(kind, resolution, self._device, size, graphs)
            self.found["cases"][name] = row
            self._note(f"{name}: {', '.join(f'{key} {_text(value)}' for key, value in row.items())}")
            if "recording_error" in row:
                # CUDA is unusable in this process from here on.
                graph_recording.start_again_without_graphs(row["recording_error"])
            if self._device.type == "cuda":
                torch.cuda.empty_cache()

    def _fused(self) -> None:
        self.found["fused"] = {}
        size = 4 if self._options.rehearse else None
        for name in self._options.fused:
            row = fused_check.check(name, self._overlays, self._device.type, size)
            self.found["fused"][name] = row
            self._note(f"{name}, fused: {', '.join(f'{key} {_text(value)}' for key, value in row.items())}")

    def _views(self) -> None:
        """Time views and validation of an epoch, without and with AutoAugment."""
        count = self._images()
        rng = torch.Generator().manual_seed(0)
        images = torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8, generator=rng).to(self._device)
        self.found["epoch_seconds"] = {}
        runs = [run for _, run, _ in kinds.trainings(self._study)]
        for name, auto_augment in (("plain", False), ("AutoAugment", True)):
            alike = [run for run in runs if bool(run.augmentation.auto_augment) == auto_augment]
            # A curriculum run if there is one: scaled views take longer.
            run = max(alike or runs, key=lambda run: len(run.stages))
            self.found["epoch_seconds"][name] = self._epoch_seconds(run, images)
        self._note(f"views and validation of an epoch: {self.found['epoch_seconds']}")

    def _epoch_seconds(self, run: Run, images: torch.Tensor) -> float:
        low, high = run.stages[0].resolution, run.stages[-1].resolution
        model = copy.deepcopy(kind_check.network(run.model)).to(self._device)
        held_out = images[: len(images) // 9]
        show = functools.partial(views.plain_view, resolution=high, normalization=run.normalization)
        labels = torch.zeros(len(held_out), dtype=torch.int64, device=self._device)
        for number in (1, 2):  # the first one warms up
            devices.wait_for(self._device)
            begin = time.monotonic()
            rng = streams.generator(0, "views", number)
            views.training_view(images, run.augmentation, low, run.normalization, rng, run.views.training)
            predictions.accuracy(model, held_out, labels, show, run.precision)
            devices.wait_for(self._device)
        return time.monotonic() - begin

    def _saving(self) -> None:
        """Time a save of the largest state."""
        largest = max(self._parameters.values())
        state = {str(i): torch.zeros(largest, device=self._device) for i in range(4)}
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            keeper = checkpoint.Checkpoint(Path(folder), "0" * 64)
            keeper.save(state)
        self.found["save"] = {"seconds": keeper.save_seconds, "mb": estimates.STATE_BYTES * largest / 1e6}
        self._note(f"a save of {self.found['save']['mb']:.0f} MB: {keeper.save_seconds:.2f} s")

    def _job(self) -> None:
        """Time the start of a training process."""
        code = "import torch, timm, torchvision; from distillation.training import train"
        code += "; torch.zeros(1).cuda()" if self._device.type == "cuda" else ""
        places = [str(cases.HOME / "workflow_scripts"), os.environ.get("PYTHONPATH")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}
        begin = time.monotonic()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        self.found["job_start_seconds"] = time.monotonic() - begin
        self._note(f"the start of a job: {self.found['job_start_seconds']:.1f} s")

    def _runs(self, study: Study) -> dict[str, dict]:
        replays = self._config["execution"]["cuda_graphs"] is not False
        found = estimates.measured(self.found["cases"], kinds.of(self._study), replays)
        if not found:
            raise UserError(
                "No kind of step could be measured, see the errors above: free the GPU and try again."
            )
        seconds = self.found["epoch_seconds"]
        by_kind = {False: seconds["plain"], True: seconds["AutoAugment"]}
        return estimates.of_runs(study, found, self._images(), by_kind, self._parameters)

    def _images(self) -> int:
        _, run, _ = next(kinds.trainings(self._study))
        return cases.training_images(self._study, run.dataset)

    @functools.cached_property
    def _parameters(self) -> dict[Model, int]:
        models = {run.model for _, run, _ in kinds.trainings(self._study, chosen=False)}
        return {model: sum(p.numel() for p in kind_check.network(model).parameters()) for model in models}


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_check", description=__doc__)
    parser.add_argument("--rehearse", action="store_true", help="on a CPU, with the networks of the demo")
    parser.add_argument("--config", type=Path, nargs="+", default=[], help="overlays of config.yaml")
    parser.add_argument(
        "--fused",
        nargs="+",
        default=[],
        metavar="KIND",
        help="fused steps too, of these kinds (minutes)",
    )
    parser.add_argument("--seconds", type=float, default=60, help="time for the kinds of step (default: 60)")
    parser.add_argument("--out", type=Path, help="folder of the results (default: results/bench)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
