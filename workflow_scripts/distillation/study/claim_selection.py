"""Which claims each page of them judges, in which protocols, and which runs it needs; free of torch."""

from collections.abc import Collection, Mapping

from distillation.statistics.claims import cases
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.chosen import Chosen
from distillation.study.contents import ClaimsPage, Key
from distillation.study.forms.claim_settings import FURTHER
from distillation.study.protocols import weights_tested


def page(chosen: Chosen, name: str) -> ClaimsPage:
    """The page of a block in `BLOCKS`, and every run that it compares or that teaches one of these.

    The page of controls also has each claim of the paper that compares with a protocol which is not
    reproduced. On the page of the paper's claims, such a comparison is shown from evidence alone.
    """
    config, reproduced = chosen.config, chosen.study.reproduced
    # What is best is not of the paper.
    published = {} if name == "best" else config.get("claims", {}).get("published", {})
    stated, title = config[name]["stated"], config[name].get("title", "Claims of the paper")
    judged: Collection[str] = reproduced
    if name == "controls":
        stated = {
            key: claim for key, claim in _of_paper(config) if _needs_further(claim, reproduced)
        } | stated
    if name in FURTHER:
        # A page has protocols that only some of its claims name.
        stated = {key: {"protocols": list(reproduced)} | claim for key, claim in stated.items()}
        named = {each for claim in stated.values() for each in claim["protocols"]}
        judged = [protocol for protocol in config["protocols"] if protocol in named]
    # Sorted: the page is a parameter of its job, which runs again if that changes.
    places = sorted(set(cases.all_places(stated, judged)))
    if name == "claims" and not chosen.from_evidence:
        places = [place for place in places if place[0] in reproduced]
    taught_by = {place: chosen.taught_by[place] for place in places if place in chosen.taught_by}
    needed = {*places, *taught_by.values()}
    runs = chosen.runs({run for _, run in needed}, protocols={protocol for protocol, _ in needed})
    own = chosen.page({"title": title}, runs=[key for key in runs if key[:2] in needed], is_tested=True)
    own["protocols"] = {each: config["protocols"][each]["label"] for each in judged}
    own["tested"] = {each: weights_tested(config, each) for each in judged}
    compared = {run for _, run in places} & config["students"].keys()
    return ClaimsPage(
        **own,
        claims=stated,
        taken_as_fixed=chosen.taken_as_fixed,
        teachers={
            run: config["students"][run]["teacher"]
            for run in sorted(compared)
            if "teacher" in config["students"][run]
        },
        taught_by=_by_protocol(taught_by),
        no_verdict=config["no_verdict"],
        **published,
    )


def shown(chosen: Chosen) -> list[str]:
    """The pages that are shown with a study's results: those beyond the paper if evidence of them is kept."""
    kept = [name for name in FURTHER if chosen.from_evidence and name in chosen.config]
    own = ["claims"] if "claims" in chosen.config else []
    return own + [name for name in kept if further_runs(chosen, name)]


def further_runs(chosen: Chosen, name: str) -> list[Key]:
    """The trainings of a page in `FURTHER`, teachers included, that reproduced protocols do not have."""
    found = dict.fromkeys(page(chosen, name).runs)
    for protocol, run, seed in list(found):
        training = chosen.study.training(protocol, run, seed)
        if training.teacher:
            found[*training.entry.teacher, TrainingSeed(training.teacher.seed)] = None
    return [key for key in found if key[0] not in chosen.study.reproduced]


def _of_paper(config: Mapping) -> list[tuple[str, Mapping]]:
    return list(config.get("claims", {}).get("stated", {}).items())


def _needs_further(claim: Mapping, reproduced: Collection[str]) -> bool:
    places = cases.all_places({"": claim}, [*reproduced, *claim.get("protocols", ())])
    return any(protocol not in reproduced for protocol, _ in places)


def _by_protocol(taught_by: Mapping[cases.Place, cases.Place]) -> dict[str, dict[str, cases.Place]]:
    found: dict[str, dict[str, cases.Place]] = {}
    for (protocol, run), teacher in taught_by.items():
        found.setdefault(protocol, {})[run] = teacher
    return found
