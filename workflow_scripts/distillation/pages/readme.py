"""The generated parts of the documentation: from results, configuration and workflow."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from distillation.core.errors import InputError
from distillation.pages import documents, published_check, tables
from distillation.study.study import Entry, Study
from distillation.training import flops

_PART = re.compile(
    r"(<!-- made by make readme: (?P<name>[\w-]+) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL
)


def fill(name: str, page: str, parts: Mapping[str, str]) -> str:
    """A page with each marked part replaced by its text.

    A part is between the lines `<!-- made by make readme: NAME -->` and `<!-- end -->`.

    Args:
        name: of its file.
        page: its text.
        parts: texts by the names of the parts.

    Raises:
        InputError: the marked parts differ from the given ones.
    """
    marked = [match["name"] for match in _PART.finditer(page)]
    if sorted(marked) != sorted(parts):
        raise InputError(
            f"{name} marks the parts {', '.join(sorted(marked)) or 'none'}, but the generated parts are"
            f" {', '.join(sorted(parts)) or 'none'}; mark each once as"
            " `<!-- made by make readme: NAME -->` ... `<!-- end -->`."
        )
    return _PART.sub(lambda match: f"{match[1]}\n{parts[match['name']].strip()}\n\n{match[4]}", page)


def results(cells: pd.DataFrame, protocols: Mapping[str, str], full: str) -> str:
    """A table of accuracies, published and by protocol, and what its numbers are, as markdown.

    Args:
        cells: see `tables.cells`; one without a number is a dash.
        protocols: labels by id.
        full: path of the table that says of each dash why.
    """
    wide = {}
    for (row, column), own in cells.groupby(["row", "column"], sort=False):
        texts = [tables.published_text(own.iloc[0])]
        texts += [_reproduced(own[own["protocol"] == protocol].iloc[0]) for protocol in protocols]
        wide.setdefault(column, {})[row] = " / ".join(texts)
    heading = " / ".join(["published", *protocols.values()])
    table = pd.DataFrame(wide).rename_axis(f"Top-1 test accuracy (%): {heading}")
    captions = [
        f"- *{label}*: {tables.caption_of(cells[cells['protocol'] == protocol])}"
        for protocol, label in protocols.items()
    ]
    dash = f"- A dash: not published, not released, or not run yet; [the full table]({full}) says which."
    return "\n".join([documents.markdown_table(table), "", *captions, dash])


def _reproduced(cell: pd.Series) -> str:
    return tables.reproduced_text(cell) if cell["status"] == tables.RUN else "-"


def differences(frame: pd.DataFrame) -> str:
    """Differences in accuracy, published and reproduced with their interval, as markdown.

    Args:
        frame: those of one protocol; see `pairs.differences`.
    """
    rows = {}
    for row in frame.itertuples():
        is_run = row.status == tables.RUN
        ours = f"{row.mean:+.2f}" if is_run else "-"
        ours += f" [{row.low:+.2f}, {row.high:+.2f}]" if pd.notna(row.low) else ""
        rows[row.pair.partition(", ")[0]] = {
            "published": "-" if pd.isna(row.published) else f"{row.published:+.2f}",
            "reproduced": ours,
            "seeds": row.seeds if is_run else "-",
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("test accuracy (points), as released")
    return documents.markdown_table(table)


def stages(frame: pd.DataFrame, note: str) -> str:
    """The best accuracy of each stage beside the published one, as markdown.

    Args:
        frame: see `published_check.of_stages`; percentages and percentage points.
        note: printed above the table.
    """
    section = published_check.section(frame)
    return "\n\n".join([f"**{note}**", documents.markdown_table(section.table), section.caption])


def computation(
    study: Study,
    protocols: Mapping[str, str],
    images: int,
    costs: pd.DataFrame,
    checks: Sequence[Mapping],
) -> str:
    """The computation of the study: counted operations, and hours if they were measured or estimated.

    Args:
        study: all its runs are counted, with all their seeds.
        protocols: labels by id.
        images: number of training images in an epoch.
        costs: see `cost_table.costs`; may be empty.
        checks: one per device, as `make gpu-check` writes them: "device", and "hours" by protocol.
    """
    lines = []
    for protocol, label in protocols.items():
        entries = [entry for entry in study.chosen() if entry.protocol == protocol]
        flops = dict.fromkeys(("teacher", "student"), 0)
        for entry in entries:
            flops[entry.role] += len(entry.seeds) * _flops(study, entry, images)
        trainings = sum(len(entry.seeds) for entry in entries)
        hours = _hours(costs, checks, protocol, trainings)
        lines.append(
            f"- *{label}*: {trainings} trainings, {sum(flops.values()) / 1e18:.2f} EFLOP"
            f" ({flops['teacher'] / 1e18:.2f} of them the teachers'); {hours}."
        )
    return "\n".join(lines)


def _flops(study: Study, entry: Entry, images: int) -> int:
    run = entry.resolve(entry.seeds[0])
    teacher = study.teacher_of(entry.protocol, entry.run, entry.seeds[0])
    epochs = [stage.epochs for stage in run.stages]
    return sum(flops.training_flops(run, teacher.model if teacher else None, images, epochs))


def _hours(costs: pd.DataFrame, checks: Sequence[Mapping], protocol: str, trainings: int) -> str:
    own = costs[costs["protocol"] == protocol] if len(costs) else costs
    parts = [
        f"about {check['hours'][protocol]:.1f} hours one after the other on {check['device']}, estimated"
        for check in checks
        if protocol in check["hours"]
    ]
    if len(own):
        parts += [
            f"{len(group)} trainings took {group['seconds'].sum() / 3600:.1f} hours on {device} ({precision})"
            for (device, precision), group in own.groupby(["device", "precision"])
        ]
        missing = trainings - len(own)
        parts += [f"{missing} were not run"] if missing else []
    return ", ".join(parts) or "hours not measured yet"


def troubles(listed: Sequence[Mapping[str, str]]) -> str:
    """A table of what can go wrong, as markdown.

    Args:
        listed: what one sees, as `see`, and what to do, in markdown, as `do`.
    """
    lines = [f"| `{trouble['see']}` | {trouble['do']} |" for trouble in listed]
    return "\n".join(["| you see | do |", "|:--|:--|", *lines])


def rulegraph(mermaid: str, leave_out: Sequence[str] = ()) -> str:
    """Snakemake's graph of rules as a fenced mermaid block; equal graphs give equal text.

    Args:
        mermaid: output of `snakemake --rulegraph mermaid-js`, with lines in any order.
        leave_out: rules not to show, such as a target that depends on everything.
    """
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]$", mermaid, re.MULTILINE))
    arrows = [(names[a], names[b]) for a, b in re.findall(r"^\s*(id\d+) --> (id\d+)$", mermaid, re.MULTILINE)]
    shown = sorted(f"    {start} --> {end}" for start, end in arrows if not {start, end} & set(leave_out))
    return "\n".join(["```mermaid", "flowchart LR", *shown, "```"])
