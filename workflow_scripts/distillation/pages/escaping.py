"""Text as markup that shows it as it is: every character as itself, and line breaks as spaces."""

import re

_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "`": r"\textasciigrave{}",
        '"': r"\char34{}",
        "±": r"$\pm$",
    }
)
_MARKDOWN = re.compile(r"[\\`*|$~]|(?<!\w)_|_(?!\w)|<(?=[\w/!?])|(?<=\])[(:\[]|&(?=#?\w+;)|#$")
# What begins a quotation, a heading or a list; a number does so with the mark that follows it.
_BLOCK = re.compile(r"^(?=>|[#+-]+(?:\s|$))|(?<=^\d)(?=[.)]\s)|(?<=^\d\d)(?=[.)]\s)")


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def markdown(text: str) -> str:
    """The text as GitHub-flavoured markdown: in a line, or in a cell of a table."""
    return _MARKDOWN.sub(r"\\\g<0>", one_line(text))


def markdown_paragraph(text: str) -> str:
    """The text as GitHub-flavoured markdown that begins a paragraph or an item of a list."""
    return _BLOCK.sub(r"\\", markdown(text))


def latex(text: str) -> str:
    r"""The text as LaTeX, also at the beginning of a row, where `[` and `*` are arguments of `\\`.

    Letters that are not Latin stay as they are: LuaLaTeX and XeLaTeX show those of the document's font.
    """
    line = one_line(text).translate(_LATEX).replace("--", "-{}-")
    return f"{{}}{line}" if line[:1] in ("[", "*") else line
