"""The command `report`: a page of finished results, without training."""

from pathlib import Path
from typing import Annotated

import attrs
import tyro
from attrs.validators import ge, lt
from rich.console import Console

from tt_bench.cli.progress import say
from tt_bench.pages import write_report
from tt_bench.runs import as_path


@attrs.frozen
class Report:
    """Write a report of finished results: a page, Markdown, LaTeX and CSV.

    Nothing is trained or played. What can't be read is left out and named.

    Attributes:
        folder: The --output folder of `d4rl`, or that of one dataset in it.
        output: Folder of the report; `report` in the folder of results by default.
        videos: Megabytes that videos may take of the page.
    """

    folder: Annotated[Path, tyro.conf.Positional] = attrs.field(
        default=Path(".tt"), converter=as_path
    )
    output: Path | None = attrs.field(
        default=None, converter=attrs.converters.optional(as_path)
    )
    videos: float = attrs.field(default=50.0, validator=[ge(0.0), lt(1e4)])


def run_report(options: Report, console: Console) -> None:
    """Write the report and say where."""
    output = options.output or options.folder / "report"
    page = write_report(options.folder, output, video_megabytes=options.videos)
    say(console, str(page))
