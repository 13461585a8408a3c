"""The page of a GPU check: measured steps, estimated hours of the study, and recommended settings."""

from collections.abc import Iterator, Mapping

import pandas as pd
from distillation.pages.documents import Document, Section

NONE = "-"


def page(found: Mapping) -> Document:
    """The page of a GPU check.

    Args:
        found: content of gpu-check.json.
    """
    note = "a rehearsal with small networks: the hours are meaningless" if found["rehearsal"] else ""
    sections = [_steps(found["cases"]), *_fused(found), _trainings(found), _sums(found)]
    return Document(f"The study on {found['device']}", note, sections, list(_remarks(found)))


def hours(found: Mapping, trainings: Mapping[str, int]) -> float:
    """Hours of trainings one after the other, including the starts of their jobs.

    Args:
        found: content of gpu-check.json.
        trainings: number of trainings of each run, by "protocol/run".
    """
    each, start = found["runs"], found["job_start_seconds"]
    return sum(count * (each[run]["seconds"] + start) for run, count in trainings.items()) / 3600


def chosen_of(found: Mapping, protocol: str) -> dict[str, int]:
    """Number of trainings of each chosen run of a protocol, by "protocol/run"."""
    return {run: found["runs"][run]["trainings"] for run in found["chosen"][protocol]}


def _steps(cases: Mapping[str, Mapping]) -> Section:
    rows = {
        name: {
            "launched (ms)": _number(row.get("launched_ms")),
            "replayed (ms)": _number(row.get("replayed_ms")),
            "repeats": _yes_or_no(row.get("repeats")),
            "a replay is equal": _yes_or_no(row.get("equal")),
            "memory (GB)": _number(row.get("peak_gb")),
            "error": row.get("error") or row.get("recording_error") or NONE,
        }
        for name, row in cases.items()
    }
    caption = (
        "Milliseconds per batch, including its share of the optimizer's update. Repeats: two launched batches"
        " gave the same bits. A kind of step is named after the first run that has it; it was measured at the"
        " highest and the lowest resolution of such runs."
    )
    return Section("Training steps", pd.DataFrame.from_dict(rows, orient="index"), caption)


def _fused(found: Mapping) -> Iterator[Section]:
    rows = {
        name: {
            "compiling (s)": _number(row.get("first_s")),
            "launched (ms)": _number(row.get("launched_ms")),
            "replayed (ms)": _number(row.get("replayed_ms")),
            "of the time unfused": _number(_ratio(row, found["cases"], name)),
            "same bits in two processes": _yes_or_no(row["same_bits"]),
            "a replay is equal": _yes_or_no(row.get("equal")),
            "error": row.get("error") or row.get("recording_error") or NONE,
        }
        for name, row in found.get("fused", {}).items()
    }
    caption = (
        "The same steps with fused blocks, at the highest resolution. Compiling is the time of the first"
        " batch with an empty cache. The ratio is of replayed steps or, without replays, of launched ones."
    )
    if rows:
        yield Section("Fused steps", pd.DataFrame.from_dict(rows, orient="index"), caption)


def _ratio(row: Mapping, cases: Mapping[str, Mapping], name: str) -> float | None:
    """Time of a fused step over that of the same step unfused, if both were measured."""
    [plain] = [each for case, each in cases.items() if case.startswith(f"{name} at ")][:1] or [{}]
    way = "replayed_ms" if "replayed_ms" in row and "replayed_ms" in plain else "launched_ms"
    return row[way] / plain[way] if way in row and way in plain else None


def _trainings(found: Mapping) -> Section:
    rows = {
        run: {
            "minutes": _number(row["seconds"] / 60),
            "if launched": _number(row["launched_seconds"] / 60),
            "state (MB)": f"{row['state_mb']:.0f}",
            "estimated from": row["measured_kind"],
        }
        for run, row in found["runs"].items()
        if any(run in chosen for chosen in found["chosen"].values())
    }
    caption = (
        "One training of each run, alone on the device: steps, views and validation. Saves add at most a"
        " twentieth. Estimated from the kind of step in the last column, in proportion to the operations"
        " between resolutions, and for runs whose own kind was not measured."
    )
    return Section("One training", pd.DataFrame.from_dict(rows, orient="index"), caption)


def _sums(found: Mapping) -> Section:
    parts = {f"{name}, all seeds": chosen_of(found, name) for name in found["chosen"]}
    parts |= {f"group {name}": trainings for name, trainings in found["groups"].items()}
    rows = {
        name: {"trainings": sum(trainings.values()), "hours": _number(hours(found, trainings))}
        for name, trainings in parts.items()
    }
    everything = {run: count for name in found["chosen"] for run, count in chosen_of(found, name).items()}
    rows["the study"] = {"trainings": sum(everything.values()), "hours": _number(hours(found, everything))}
    caption = "One training after the other, with the start of each job; without tests, tables and figures."
    return Section("Parts of the study", pd.DataFrame.from_dict(rows, orient="index").astype(str), caption)


def _remarks(found: Mapping) -> Iterator[str]:
    cases = found["cases"].values()
    launched, replayed = (
        sum(row[way] for row in cases if row.get("equal")) for way in ("launched_ms", "replayed_ms")
    )
    failed = [row["recording_error"] for row in cases if "recording_error" in row]
    unequal = [name for name, row in found["cases"].items() if row.get("equal") is False]
    if failed:
        yield f"steps cannot be recorded here ({failed[0]}): set `execution: {{cuda_graphs: false}}`"
    elif unequal:
        yield (
            f"replays of {', '.join(unequal)} give other bits: leave `execution: {{cuda_graphs: auto}}`,"
            " which launches those"
        )
    elif replayed:
        yield (
            "every measured replay gives the bits of the launched step, in"
            f" {replayed / launched:.2f} of its time: leave `execution: {{cuda_graphs: auto}}`"
        )
    else:
        yield "this device has no CUDA graphs: steps are launched"
    unlike = sorted(name for name, row in found["cases"].items() if row.get("repeats") is False)
    if unlike:
        yield f"steps of {', '.join(unlike)} do not repeat bit by bit: nothing trained here can be reproduced"
    save = found["save"]
    yield f"a save of the largest state, {save['mb']:.0f} MB, takes {save['seconds']:.2f} s"
    yield f"a job starts in {found['job_start_seconds']:.1f} s"
    seconds = found["epoch_seconds"]
    yield (
        f"views and validation of an epoch take {seconds['plain']:.3f} s, with AutoAugment"
        f" {seconds['AutoAugment']:.3f} s"
    )
    session = found["session"]
    commit = session["git"]
    changed = f"{commit['commit']}{', with changes' if commit['dirty'] else ''}" if commit else "unknown"
    yield f"torch {session['torch_build']}, {session['started']}, commit {changed}"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _yes_or_no(value: bool | None) -> str:
    return NONE if value is None else "yes" if value else "no"
