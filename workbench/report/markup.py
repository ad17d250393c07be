"""Pieces of HTML; whatever comes from outside is escaped here."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any


class Html(str):
    """Text that is HTML already; every other text is escaped where it is put into a page."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as HTML: itself when it is HTML, else escaped, for elements and quoted attributes alike."""
    return value if isinstance(value, Html) else Html(escape(str(value), quote=True))


def element(tag: str, *children: object, **attributes: object) -> Html:
    """An element; ``class_`` is ``class`` and other underscores are hyphens. An attribute of True stands alone."""
    names = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    written = "".join(
        f" {name}" if value is True else f' {name}="{text(value)}"'
        for name, value in names.items()
        if value is not None and value is not False
    )
    return Html(f"<{tag}{written}>{joined(children)}</{tag}>")


def joined(parts: Iterable[object]) -> Html:
    """Pieces one behind the other."""
    return Html("".join(text(part) for part in parts))


def table(caption: str, head: Sequence[object], rows: Iterable[Sequence[object]], numbers: Iterable[int] = ()) -> Html:
    """A table whose first column names the rows; the columns ``numbers`` are set to the right. It scrolls by itself."""
    right = set(numbers)
    kinds = ["num" if place in right else None for place in range(len(head))]
    top = joined(element("th", cell, scope="col", class_=kind) for cell, kind in zip(head, kinds, strict=True))
    body = joined(
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", cell, class_=kind) for cell, kind in zip(row[1:], kinds[1:], strict=True)),
        )
        for row in rows
    )
    whole = element("table", element("caption", caption), element("thead", element("tr", top)), element("tbody", body))
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)


def details(summary: object, *children: object) -> Html:
    """Something to unfold."""
    return element("details", element("summary", summary), *children)


def data_block(name: str, value: Any) -> Html:
    """JSON for the script of a page; no text in it can end the element it stands in."""
    content = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        content = content.replace(sign, f"\\u{ord(sign):04x}")
    return Html(f'<script type="application/json" id="{text(name)}">{content}</script>')


def source_hash(content: str) -> str:
    """How a content security policy names an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def filled(template: str, parts: Mapping[str, Html]) -> str:
    """A template with each ``{{NAME}}`` replaced, once and in one pass, so that no part is taken for a template.

    Raises:
        ValueError: when template and parts do not name the same.
    """
    pieces = template.split("{{")
    named = [piece.split("}}", 1) for piece in pieces[1:]]
    wanted = [pair[0] for pair in named]
    if sorted(wanted) != sorted(parts) or any(len(pair) != 2 for pair in named):
        raise ValueError(f"the template wants {sorted(wanted)} and is given {sorted(parts)}")
    return pieces[0] + "".join(parts[name] + rest for name, rest in named)
