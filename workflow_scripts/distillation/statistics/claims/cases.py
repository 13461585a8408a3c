"""Which trainings the cases of a claim compare in a protocol; free of torch."""

from collections.abc import Collection, Iterator, Mapping

# Protocol and id of a run.
Place = tuple[str, str]
ROLES = ("run", "against")


def listed(claim: Mapping) -> list[Mapping]:
    """The cases of a claim, then its controls."""
    return [*claim["cases"], *claim.get("controls", ())]


def in_protocol(case: Mapping, protocol: str) -> Mapping:
    """A case with what differs of it in a protocol."""
    return {**case, **case.get("instead", {}).get(protocol, {})}


def places(case: Mapping, protocol: str) -> dict[str, Place]:
    """Protocol and id of the run of a case and, if it compares, of the other run; see `in_protocol`."""
    return {role: (case.get(f"{role}_protocol", protocol), case[role]) for role in ROLES if role in case}


def protocols_of(claim: Mapping, case: Mapping, judged: Collection[str]) -> list[str]:
    """The protocols, of those in which claims are judged, that have a case of a claim."""
    own = case.get("protocols", claim.get("protocols", judged))
    return [protocol for protocol in judged if protocol in own and protocol in claim.get("protocols", judged)]


def all_places(claims: Mapping[str, Mapping], judged: Collection[str]) -> Iterator[Place]:
    """Protocol and id of every run that these claims compare in these protocols; some more than once."""
    for claim in claims.values():
        for case in listed(claim):
            for protocol in protocols_of(claim, case, judged):
                yield from places(in_protocol(case, protocol), protocol).values()
