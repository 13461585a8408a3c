"""Measure training steps side by side: python -m bench [--full] [--config OVERLAY.yaml ...]."""

import argparse
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import timm
import torch
import transformers
from distillation.core import devices
from distillation.core.errors import UserError
from distillation.study.study import Study
from distillation.training import sessions

from bench import cases, document, frame, measure, parts, steps

_LOG = logging.getLogger("bench")


def main(arguments: list[str]) -> None:
    """Measure, write the page and print it.

    Raises:
        SystemExit: something is missing or invalid; the message says how to fix it.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        if options.rounds < 1:
            raise UserError(f"--rounds is {options.rounds}; a median needs 1 round or more.")
        config, resolved = cases.load(options.config)
        device = _device(options.device, options.full, config)
        facts = _facts(device, options)
        rates = {precision: measure.matrix_rate(device, precision) for precision in steps.precisions(device)}
        for precision, rate in rates.items():
            facts[f"large matrix product in {precision}"] = f"{rate / 1e12:.3g} TFLOP/s"
        begin = time.monotonic()
        rows = list(_measured(resolved, device, options, rates))
    except UserError as error:
        sys.exit(str(error))
    facts["measured in"] = f"{(time.monotonic() - begin) / 60:.1f} minutes"
    folder = (options.out or Path(config["pathvars"]["results"]) / "bench") / _slug(facts["device"])
    document.write(frame.build(rows), facts, folder)
    print((folder / "bench.md").read_text(encoding="utf-8"))
    print(f"Written to {folder}: bench.md, bench.csv")


def _measured(
    resolved: Study, device: torch.device, options: argparse.Namespace, rates: dict[str, float]
) -> Iterator[dict]:
    listed = {case.name: case for case in cases.steps_of(resolved, device, options.full)}
    for case in listed.values():
        found = list(steps.rows(case, options.rounds, device, rates))
        for row in found:
            _LOG.info(
                "%s, %s %s: %.4g images/s", case.name, row["way"], row["precision"], row["images_per_second"]
            )
        yield from found
    for row in parts.rows(resolved, listed, options.rounds, device):
        _LOG.info("%s, %s: %.4g images/s", row["case"], row["way"], row["images_per_second"])
        yield row


def _device(wanted: str | None, full: bool, config: dict) -> torch.device:
    """The requested device; otherwise with `full` that of the configuration, or a GPU if there is one."""
    if wanted is None:
        found = "cuda" if torch.cuda.is_available() else "cpu"
        wanted = config["execution"]["device"] if full else found
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "The device is 'cuda', but torch finds no CUDA device here; run this on a machine with one, or"
            " rehearse it with --device cpu --config studies/irkd/overlays/demo.yaml."
        )
    device = devices.setup(wanted, torch.get_num_threads())
    # The study's loop turns them on itself.
    torch.use_deterministic_algorithms(False)
    return device


def _facts(device: torch.device, options: argparse.Namespace) -> dict[str, str]:
    here, git = devices.describe(device), sessions.session()["git"]
    commit = f"{git['commit']}{', with changes' if git['dirty'] else ''}" if git else "unknown"
    where = "a GPU: bf16, torch.compile" if device.type == "cuda" else "a CPU: fp32, not compiled"
    return {
        "device": str(here["name"]),
        "CPU threads": str(here["cpu_threads"]),
        "torch": str(here["torch_build"]),
        "timm": f"{timm.__version__}; on {where}",
        "transformers": transformers.__version__,
        "rounds": f"{options.rounds} timed, after one to warm up; a last one measures memory",
        "configuration": " + ".join(["config.yaml", *map(str, options.config)]),
        "git commit": commit,
    }


def _slug(name: str) -> str:
    return "-".join(name.lower().split())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--full", action="store_true", help="the protocol's batch size, on the configuration's device"
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: a GPU if torch finds one")
    parser.add_argument("--config", type=Path, nargs="+", default=[], help="overlays of config.yaml")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds (default: 5)")
    parser.add_argument("--out", type=Path, help="folder of the results (default: results/bench)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
