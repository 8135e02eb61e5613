"""A report as one page of HTML that needs nothing else, and no network."""

import base64
import hashlib
from importlib import resources

import jinja2

from tt_bench.pages.document import (
    Cell,
    Document,
    Figure,
    Listing,
    Media,
    Part,
    Spread,
    Table,
    shown,
)

_SVG = "image/svg+xml"


def page(document: Document) -> str:
    """Write a document; all texts are escaped, and only the page's own script may run.

    Pictures, videos and figures are in it, as data that is not part of the page: what
    an SVG holds is not run.
    """
    folder = resources.files("tt_bench.pages")
    script = (folder / "page.js").read_text("utf-8")
    style = (folder / "page.css").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"kind": _kind, "shown": shown, "order": _order}
    environment.globals |= {"data": _data}
    template = environment.from_string((folder / "page.html").read_text("utf-8"))
    return template.render(
        document=document,
        script=script,
        style=style,
        script_hash=_hash(script),
        style_hash=_hash(style),
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _kind(part: Part) -> str:
    """Name the kind of a part, by which the template lays it out."""
    kinds = {Table: "table", Figure: "figure", Listing: "listing"}
    if isinstance(part, Media):
        return "picture" if part.kind.startswith("image/") else "video"
    return kinds.get(type(part), "text")


def _order(cell: Cell) -> str:
    """Return the number that a cell is sorted by, "" for text."""
    value = cell.value if isinstance(cell, Spread) else cell
    return repr(float(value)) if isinstance(value, int | float) else ""


def _data(part: Figure | Media) -> str:
    """Write what a figure, a picture or a video holds as an address."""
    kind, content = (
        (part.kind, part.content) if isinstance(part, Media) else (_SVG, part.svg)
    )
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
