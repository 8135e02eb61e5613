"""The tables of a report in LaTeX, to be read into a paper."""

from collections.abc import Iterable, Iterator

from tt_bench.pages.document import Document, Table, shown

_HEAD = (
    r"% Tables of tt-bench. In the preamble: \usepackage[T1]{fontenc},",
    r"% \usepackage{booktabs}, \usepackage{graphicx}.",
)
_MEANS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"{'}",
    "`": r"\textasciigrave{}",
    "-": r"{-}",
    "[": "{[}",
    "]": "{]}",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
}
"""What LaTeX reads as more than itself; hyphens would join, brackets be options."""


def latex(document: Document) -> str:
    """Write the tables that a paper would have: not those that a page folds."""
    tables = [table for table in document.tables if not table.folded]
    return "\n".join(
        (*_HEAD, *(line for table in tables for line in _table(table)), "")
    )


def _table(table: Table) -> Iterator[str]:
    columns = "l" + "r" * (len(table.columns) - 1)
    yield from ("", r"\begin{table}", r"\centering")
    yield rf"\caption{{{_escape(table.title)}. {_escape(table.note)}}}"
    yield rf"\label{{tab:{table.name}}}"
    yield r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
    yield from (rf"\begin{{tabular}}{{{columns}}}", r"\toprule")
    yield _row(_escape(column.title) for column in table.columns)
    yield r"\midrule"
    for cells in table.rows:
        yield _row(
            _escape(shown(cell, column))
            for cell, column in zip(cells, table.columns, strict=True)
        )
    yield from (r"\bottomrule", r"\end{tabular}}", r"\end{table}")


def _row(cells: Iterable[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _escape(text: str) -> str:
    return "".join(map(_character, text))


def _character(character: str) -> str:
    """Write a character; those that pdflatex may not know by their number."""
    if character in _MEANS:
        return _MEANS[character]
    return character if character.isascii() else rf"\texttt{{U+{ord(character):04X}}}"
