"""Which runs record saliency maps, and errors of what relies on them; free of torch."""

from collections.abc import Iterator, Mapping


def problems(config: Mapping, recording: Mapping[tuple[str, str], bool]) -> Iterator[str]:
    """Errors of runs with maps in some protocols only, and of figures of runs without maps, as "path: text".

    Args:
        config: the configuration, well formed.
        recording: whether a run records maps, by protocol and run, for the runs with a teacher.
    """
    by_run: dict[str, dict[str, bool]] = {}
    for (protocol, run), records in recording.items():
        by_run.setdefault(run, {})[protocol] = records
    for run, found in by_run.items():
        if len(set(found.values())) > 1:
            these = {has: [name for name, own in found.items() if own == has] for has in (True, False)}
            yield (
                f"students.{run}: it has saliency maps in {', '.join(these[True])}, but not in"
                f" {', '.join(these[False])}, where its teacher's have another size or are none; make it two"
                " runs, each with `protocols`"
            )
    for name, figure in config["figures"].items():
        for key in ("run", "control") if figure["kind"] == "saliency" else ():
            run = figure.get(key)
            if run in by_run and not any(by_run[run].values()):
                yield (
                    f"figures.{name}.{key}: '{run}' records no saliency maps, since its network and its"
                    " teacher's do not both have maps of the same size; name another run"
                )
