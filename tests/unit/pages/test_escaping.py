"""Text is text in every document: markdown and HTML are read by parsers, LaTeX by `make report-test`."""

import re

import lxml.html
import nasty
import pandas as pd
import pytest
from distillation.pages import documents, escaping
from distillation.pages.documents import Document, Section
from markdown_it import MarkdownIt

TEXTS = [*nasty.NASTY, "- item", "> quoted", "12. numbered", "# heading #", "+ plus", "---"]


def one_line(text):
    return " ".join(text.split())


def document(text):
    table = pd.DataFrame({f"column {text}": [f"cell {text}", text]}, index=[text, f"row {text}"])
    return Document(text, text, [Section(text, table, text)], [text])


def read(page):
    """The texts of a page in HTML: headings, note, cells, caption and remarks."""
    tree = lxml.html.fromstring(page)
    found = {
        "headings": tree.xpath("//h1 | //h2 | //h3"),
        "note": tree.xpath("//p/strong"),
        "cells": tree.xpath("//th | //td"),
        "caption": tree.xpath("//table/following-sibling::p"),
        "remarks": tree.xpath("//ul/li"),
    }
    return {
        name: [one_line(part.text_content()) for part in parts if part.text_content().strip()]
        for name, parts in found.items()
    }


def expected(text):
    line = one_line(text)
    return {
        "headings": [line, line],
        "note": [line],
        "cells": [f"column {line}", line, f"cell {line}", f"row {line}", line],
        "caption": [line],
        "remarks": [line],
    }


@pytest.mark.parametrize("text", TEXTS)
def test_markdown_and_html_show_every_text_as_it_is(text):
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    # A renderer of markdown reads HTML in it too.
    assert read(parser.render(documents.markdown(document(text)))) == expected(text)
    assert read(documents.html(document(text))) == expected(text)


def test_the_texts_would_be_markup():
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    as_they_are = [
        text for text in TEXTS if one_line(lxml.html.fromstring(parser.render(text)).text_content()) != text
    ]
    assert len(as_they_are) > len(TEXTS) / 2


def test_plain_words_and_numbers_are_the_same_in_markdown():
    for text in ("66.85 / 62.88 ± 1.63", "[+0.12, -3.4]", "run_json of seed-0", "p < 0.05 & q > 2; R&D"):
        assert escaping.markdown(text) == text


@pytest.mark.parametrize("text", ["[a] b", "* b"])
def test_a_row_of_latex_begins_with_no_argument_of_the_line_before(text):
    table = pd.DataFrame({"A": ["1", "2"]}, index=["first", text])
    row = re.search(r"1 \\\\\n(.*) & 2", documents.latex(Document("T", "", [Section("H", table, "C")])))
    assert row[1] == f"{{}}{text}"
