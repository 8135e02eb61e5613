"""Words and numbers of results as text: whoever wrote them, nothing in them acts.

What comes from a file is made plain here, once; each format escapes it besides.
"""

import json
import sys
import unicodedata
from collections.abc import Mapping
from typing import Any

LONGEST = 300  # characters of a text that are shown
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_LARGE, _SMALL = 1e7, 1e-3


def plain(value: object, longest: int = LONGEST) -> str:
    """Return a text in one line, cut, without characters that nobody sees.

    Those would turn the direction of what follows, move a terminal's cursor, or can't
    be written as UTF-8.
    """
    text = " ".join(str(value)[: 4 * longest].split())
    seen = (_UNKNOWN if unicodedata.category(c) in _UNSEEN else c for c in text)
    shown = "".join(seen)
    return (
        shown
        if len(shown) <= longest
        else f"{shown[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"
    )


def number(value: float, digits: int = 1) -> str:
    """Write a number with so many decimals, or in powers of ten where it needs them."""
    size = abs(value)
    if not size <= sys.float_info.max:  # whole numbers may be larger
        return "-"
    if size >= _LARGE or (size and digits and size < min(_SMALL, 10.0**-digits)):
        return f"{value:.3g}"
    return f"{value:,.{digits}f}"


def setting(value: object) -> str:
    """Write the value of a setting as JSON does, texts without their quotes."""
    if isinstance(value, str):
        return plain(value)
    return plain(json.dumps(value, ensure_ascii=False, default=str))


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Name nested settings by their path, joined with dots."""
    found: dict[str, Any] = {}
    waiting = [(prefix, settings)]
    while waiting:
        above, mapping = waiting.pop()
        for name, value in mapping.items():
            path = f"{above}{name}"
            if isinstance(value, Mapping) and value:
                waiting.append((f"{path}.", value))
            else:
                found[path] = value
    return dict(sorted(found.items()))


def counted(count: int, thing: str) -> str:
    """Count things in words."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
