"""Names that are code in some format are only names in a report of it."""

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from bench.made_results import Leave

from tt_bench.pages import write_report
from tt_bench.pages.words import plain

TEXTS = [
    "=HYPERLINK(1)",
    "@SUM(1)",
    "+1",
    "-1+cmd|' /C calc'!A0",
    "a|b`c`*d*_e_[f](javascript:g)<b>h</b>#i![j](k)$l$~m~&amp;",
    "https://example.org www.example.org",
    "\\input{/etc/passwd}%\\end{table}$x^2$#{}&~\"'<>",
    "\n\n# Title\n```\n\n<script>",
    "\u202egnp.exe\u2066\ud800\x1b[31m\x00",
    "1. one",
    "\u4e2d\u6587 \u00e9 \U0001f600",
]


@pytest.fixture(params=TEXTS, ids=range(len(TEXTS)))
def report(
    request: pytest.FixtureRequest, tmp_path: Path, leave: Leave
) -> tuple[str, Path]:
    """Report on a result whose every text is the same."""
    text = str(request.param)
    data = {"name": text, "source": text, "transitions": 1, "episodes": 1}
    settings = {"seed": 0, text: text, "nested": {text: [text]}}
    facts = {"dataset": data, "environment": {"id": text}, "settings": settings}
    more = {"note": text, "versions": {text: text}, "machine": {text: text}}
    leave(text, 0, [1.0, 2.0], finished=text, **facts, **more)
    return text, write_report(tmp_path / "runs", tmp_path / "out").parent


def test_no_cell_of_a_table_is_a_formula(report: tuple[str, Path]) -> None:
    text, folder = report
    cells = [
        cell
        for path in (folder / "csv").iterdir()
        for row in csv.reader(io.StringIO(path.read_text("utf-8")))
        for cell in row
    ]
    assert not [c for c in cells if re.match(r"\s*[=+@|%]|\s*-[^\d]|-1\+", c)]
    assert any(plain(text) in cell for cell in cells)


def test_markdown_has_no_mark_of_a_result(report: tuple[str, Path]) -> None:
    text = (report[1] / "report.md").read_text("utf-8")
    outside = re.sub(r"^(`{3,})bash\n.*?^\1$", "", text, flags=re.M | re.S)
    ours = re.sub(r"(?<!\\)!?\[(\\.|[^\]\\])*\]\(figures/[\w-]+\.svg\)", "", outside)
    ours = re.sub(r"^(#{1,3} |\|[ |-]+\|$|\| | \|$)", "", ours, flags=re.M)
    ours = re.sub(r" \| ", " ", re.sub(r"\\[^A-Za-z0-9\s]", "", ours))
    assert not re.findall(r"[`*_<>\[\]#!$&~@\\]|://|\|\w", ours)
    assert not re.search(r"^(\d+[.)]|[-+]) ", outside, re.M)
    assert re.findall(r"^# .*", outside, re.M) == ["# Results of tt-bench"]


def test_latex_has_no_command_of_a_result(report: tuple[str, Path]) -> None:
    text = (report[1] / "report.tex").read_text("utf-8")
    assert text.isascii()
    named = set(re.findall(r"\\([A-Za-z]+)", text))
    assert named <= {
        *("begin", "end", "centering", "caption", "label", "resizebox", "ifdim"),
        *("width", "linewidth", "else", "fi", "toprule", "midrule", "bottomrule"),
        *("textbackslash", "textasciicircum", "textasciitilde", "textless", "ldots"),
        *("textgreater", "textbar", "textquotedbl", "textasciigrave", "texttt"),
        *("usepackage",),
    }
    assert text.count("\\begin{") == text.count("\\end{")


def test_latex_is_typeset(report: tuple[str, Path]) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    packages = "".join(f"\\usepackage{{{p}}}" for p in ("booktabs", "graphicx"))
    head = "\\documentclass{article}\\usepackage[T1]{fontenc}"
    body = "\\begin{document}\\input{report}\\end{document}"
    (report[1] / "paper.tex").write_text(head + packages + body)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=report[1],
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-2_000:]


def test_what_is_shown_has_no_hidden_characters(report: tuple[str, Path]) -> None:
    for path in report[1].rglob("*"):
        if path.suffix in {".md", ".tex", ".csv", ".html"}:
            shown = path.read_text("utf-8")
            assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b]", shown)


def test_a_long_text_is_cut() -> None:
    assert len(plain("a" * 1_000_000)) == 300
    assert plain("a\n b\t\x00c") == "a b \ufffdc"
