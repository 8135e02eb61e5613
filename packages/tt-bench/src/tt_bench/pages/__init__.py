"""Results on disk as a report: one page, Markdown, LaTeX and CSV."""

from tt_bench.pages.write import write_report

__all__ = ["write_report"]
