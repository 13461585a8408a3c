"""Tables for readers: one content, written as markdown, LaTeX (booktabs) and HTML."""

import html as markup
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from irkd.atomic import replacing


@dataclass(frozen=True)
class Section:
    """A table of text cells under a heading, with a caption that says what the numbers are."""

    heading: str
    table: pd.DataFrame
    caption: str


@dataclass(frozen=True)
class Document:
    """Sections under a title.

    Attributes:
        title: the heading of all.
        note: printed in bold below it; may be empty.
        sections: one or more.
        remarks: sentences at the end.
    """

    title: str
    note: str
    sections: Sequence[Section]
    remarks: Sequence[str] = ()


def markdown(document: Document) -> str:
    """The document as GitHub-flavoured markdown."""
    parts = [f"## {document.title}", ""]
    parts += [f"**{document.note}**", ""] if document.note else []
    for section in document.sections:
        table = section.table.map(_plain).rename(index=_plain, columns=_plain)
        parts += [
            f"### {section.heading}",
            "",
            table.to_markdown(disable_numparse=True),
            "",
            section.caption,
            "",
        ]
    parts += [f"- {remark}" for remark in document.remarks]
    return "\n".join(parts).rstrip() + "\n"


def latex(document: Document) -> str:
    """One table environment a section; needs the package booktabs."""
    parts = [f"% {document.note}"] if document.note else []
    for section in document.sections:
        note = f" {document.note}." if document.note else ""
        caption = f"{document.title}. {section.heading}.{note} {section.caption}"
        style = section.table.rename(index=_tex, columns=_tex).style.format(_tex)
        columns = "l" + "r" * len(section.table.columns)
        parts.append(style.to_latex(hrules=True, column_format=columns, caption=_tex(caption), position="t"))
    parts += [f"% {remark}" for remark in document.remarks]
    return "\n".join(parts).rstrip() + "\n"


def html(document: Document) -> str:
    """The document as a page without scripts or links."""
    title = markup.escape(document.title)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        f'<head><meta charset="utf-8"><title>{title}</title>',
        _STYLE,
    ]
    parts += ["</head>", "<body>", f"<h1>{title}</h1>"]
    parts += [f"<p><strong>{markup.escape(document.note)}</strong></p>"] if document.note else []
    for section in document.sections:
        parts += [f"<h2>{markup.escape(section.heading)}</h2>", section.table.to_html(border=0)]
        parts.append(f"<p>{markup.escape(section.caption)}</p>")
    if document.remarks:
        parts += ["<ul>", *(f"<li>{markup.escape(remark)}</li>" for remark in document.remarks), "</ul>"]
    return "\n".join([*parts, "</body>", "</html>"]) + "\n"


def write(document: Document, md: Path, tex: Path, page: Path) -> None:
    """Write all three forms, each whole or not at all."""
    for path, text in ((md, markdown(document)), (tex, latex(document)), (page, html(document))):
        with replacing(path) as temporary:
            temporary.write_text(text)


_STYLE = (
    "<style>body{font-family:sans-serif;margin:2em;max-width:70em}table{border-collapse:collapse}"
    "th,td{padding:.3em .8em;text-align:right;border-bottom:1px solid #ccc}"
    "th:first-child{text-align:left}</style>"
)


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _tex(text: str) -> str:
    for character in "&%$#_{}":
        text = text.replace(character, f"\\{character}")
    return text.replace("±", r"$\pm$")
