"""Documents of tables, published as csv, markdown, LaTeX (booktabs) and HTML from one content."""

import html as markup
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from distillation.core.atomic import replacing
from distillation.pages import escaping

# In place of a caption below a table without rows.
NOTHING_RUN = "No run of this protocol was trained."


@dataclass(frozen=True)
class Section:
    """A table of text cells with a heading and a caption that explains the numbers."""

    heading: str
    table: pd.DataFrame
    caption: str


@dataclass(frozen=True)
class Document:
    """Sections under a title.

    Attributes:
        title: heading of the document.
        note: printed in bold below the title; may be empty.
        sections: one or more.
        remarks: sentences listed at the end.
    """

    title: str
    note: str
    sections: Sequence[Section]
    remarks: Sequence[str] = ()


def markdown(document: Document) -> str:
    """The document as GitHub-flavoured markdown."""
    text = escaping.markdown
    parts = [f"## {text(document.title)}", ""]
    parts += [f"**{text(document.note)}**", ""] if document.note else []
    for section in document.sections:
        table = markdown_table(section.table)
        parts += [
            f"### {text(section.heading)}",
            "",
            table,
            "",
            escaping.markdown_paragraph(section.caption),
            "",
        ]
    parts += [f"- {escaping.markdown_paragraph(remark)}" for remark in document.remarks]
    return "\n".join(parts).rstrip() + "\n"


def markdown_table(table: pd.DataFrame) -> str:
    """A table of text cells as GitHub-flavoured markdown."""
    text = escaping.markdown
    escaped = (
        table.map(text).rename(index=text, columns=text).rename_axis(index=lambda name: name and text(name))
    )
    return escaped.to_markdown(disable_numparse=True)


def latex(document: Document) -> str:
    """The document as LaTeX: one table environment per section; needs the package booktabs."""
    text = escaping.latex
    parts = [f"% {escaping.one_line(document.note)}"] if document.note else []
    for section in document.sections:
        note = f" {document.note}." if document.note else ""
        caption = f"{document.title}. {section.heading}.{note} {section.caption}"
        style = section.table.rename(index=text, columns=text).style.format(text)
        columns = "l" + "r" * len(section.table.columns)
        parts.append(style.to_latex(hrules=True, column_format=columns, caption=text(caption), position="t"))
    parts += [f"% {escaping.one_line(remark)}" for remark in document.remarks]
    return "\n".join(parts).rstrip() + "\n"


def html(document: Document) -> str:
    """The document as an HTML page without scripts or links."""
    title = markup.escape(document.title)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        f'<head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head>",
        "<body>",
        f"<h1>{title}</h1>",
    ]
    parts += [f"<p><strong>{markup.escape(document.note)}</strong></p>"] if document.note else []
    for section in document.sections:
        # pandas shows a line break as a backslash and a letter.
        table = section.table.map(escaping.one_line).rename(index=escaping.one_line)
        parts += [f"<h2>{markup.escape(section.heading)}</h2>", _accessible(table.to_html(border=0))]
        parts.append(f"<p>{markup.escape(section.caption)}</p>")
    if document.remarks:
        parts += ["<ul>", *(f"<li>{markup.escape(remark)}</li>" for remark in document.remarks), "</ul>"]
    return "\n".join([*parts, "</body>", "</html>"]) + "\n"


def publish(document: Document, frame: pd.DataFrame, files: Mapping[str, str | Path]) -> None:
    """Write a document and its numbers in each of the formats that are asked for, each atomically.

    Args:
        document: what people read: "md", "tex" and "html".
        frame: the numbers behind it: "csv"; the note of the document becomes its last column.
        files: paths by format.
    """
    written = {
        "csv": lambda: frame.assign(note=document.note).to_csv(index=False, float_format="%.6g"),
        "md": lambda: markdown(document),
        "tex": lambda: latex(document),
        "html": lambda: html(document),
    }
    for form, path in files.items():
        with replacing(path) as temporary:
            temporary.write_text(written[form](), encoding="utf-8")


# For a page by itself or in a frame of the report: wide tables scroll, headings stay, only long texts wrap.
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1e293b; margin: 1.5rem 2rem; max-width: 70rem }
h1 { font-size: 1.5rem; line-height: 1.25 } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; width: max-content }
thead th { max-width: 9.5em } tbody td { max-width: 34em } tbody th { max-width: 25em }
th, td { padding: .3rem .75rem; text-align: right; border-bottom: 1px solid #cbd5e1 }
thead th { border-bottom: 2px solid #475569; vertical-align: bottom }
thead th { background: #fff; position: sticky; top: 0 }
tbody th { font-weight: 500; text-align: left }
tbody tr:nth-child(even) { background: #f1f5f9 }
p, li { max-width: 50rem }
"""


def _accessible(table: str) -> str:
    """A table of pandas with `scope` set on its row and column headings."""
    head, body = table.split("<tbody>")
    return head.replace("<th>", '<th scope="col">') + "<tbody>" + body.replace("<th>", '<th scope="row">')
