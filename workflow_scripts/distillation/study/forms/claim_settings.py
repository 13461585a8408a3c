"""The typed form of a study's claims: what a paper says, and which runs and statistic decide it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from distillation.core.settings import UNIT, Distinct, Id, Number, Pixels, Text, Words, said, settings
from distillation.study.forms.page_settings import ACCURACIES

# Blocks with claims beyond the paper, whose pages are made only if they are asked for by name.
FURTHER = ("controls", "best")
BLOCKS = ("claims", *FURTHER)

ByProtocol = Annotated[dict[Text, Text], Field(min_length=1)]
View = Literal["scale", "crop"]
Protocols = Annotated[tuple[Text, ...], Field(min_length=1), *Distinct]


@settings
class PublishedNumbers:
    """Files of the published numbers that are shown beside ours."""

    accuracies: Words = Field(None, description=ACCURACIES)
    reported: Words = Field(None, description="CSV with the columns run, quantity, value, source, doubt.")


@settings
class Threshold:
    """Values of the statistic that support the claim, in its unit: one relation and its limit."""

    above: Number = Field(None, description="Larger than this.")
    at_least: Number = Field(None, description="This or larger.")
    below: Number = Field(None, description="Smaller than this.")
    at_most: Number = Field(None, description="This or smaller.", examples=[100])


def _one_relation(threshold: Threshold) -> Threshold:
    limits = (threshold.above, threshold.at_least, threshold.below, threshold.at_most)
    if sum(limit is not None for limit in limits) != 1:
        raise said("must have exactly one of the keys above, at_least, below, at_most")
    return threshold


@settings
class InProtocol:
    """What differs of a case in one protocol."""

    run: Text = Field(None, description="The run that the claim is about there.")
    against: Text = Field(None, description="The run that it is compared with there.")
    view: View = Field(None, description="How images are brought to the resolution there.")


@settings
class Case:
    """Runs that show a claim."""

    label: Words = Field(description="Name of the case in the table of its claim.")
    run: Text = Field(description="The run that the claim is about.")
    run_protocol: Text = Field(None, description="Protocol of the run, if it is a different one.")
    against: Text = Field(None, description="The run that it is compared with, if the statistic compares.")
    against_protocol: Text = Field(None, description="Protocol of that run, if it is a different one.")
    resolution: Pixels = Field(None, description="One of `evaluation.resolutions`.")
    view: View = Field(None, description="How images are brought to that resolution, for `accuracy-kept`.")
    accuracy: Annotated[Number, Field(gt=0, le=100, json_schema_extra={UNIT: "percent"})] = Field(
        None, description="The validation accuracy to reach, for `convergence-ratio`."
    )
    instead: Annotated[dict[Text, InProtocol], Field(min_length=1)] = Field(
        None, description="By protocol, what differs there."
    )
    protocols: Protocols = Field(
        None, description="Protocols that have the case; by default those of its claim."
    )


@settings
class Claim:
    """A statement of the paper, or about it."""

    claim: Words = Field(description="What it says, as a sentence.")
    section: Words = Field(description="Where the paper says so, or that it does not.")
    statistic: Text = Field(description="Name of the statistic that decides it.")
    threshold: Annotated[Threshold, AfterValidator(_one_relation)] = Field(
        description="Values of the statistic that support the claim, in its unit (points or percent): one"
        " relation and its limit."
    )
    margin: Annotated[Number, Field(gt=0)] = Field(
        None,
        description="Distance from a limit of `above` or `below`, in the unit of the statistic, within which"
        " a value counts as no effect; by default 0.5 if the unit is points, else none.",
    )
    cases: Annotated[tuple[Case, ...], Field(min_length=1)] = Field(description="Runs that show it.")
    controls: Annotated[tuple[Case, ...], Field(min_length=1)] = Field(
        None, description="Comparisons shown beside the cases, which do not count for the claim."
    )
    protocols: Protocols = Field(
        None, description="Protocols in which it is judged; by default all that are reproduced."
    )
    remark: Text = Field(None, description="What a reader of the verdict should know.")
    remarks: ByProtocol = Field(None, description="The same of the verdict in one protocol, by protocol.")


@settings
class Claims:
    """Statements of the paper that runs can support or refute."""

    published: PublishedNumbers = None
    stated: Annotated[dict[Id, Claim], Field(min_length=1)] = Field(description="The claims by id.")


@settings
class FurtherClaims:
    """Statements beyond the paper; their runs are trained only if the page is asked for by name."""

    title: Words = Field(description="Heading above the page.")
    stated: Annotated[dict[Id, Claim], Field(min_length=1)] = Field(description="The claims by id.")
