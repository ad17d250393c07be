from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workbench.analysis.made_up import NASTY
from workbench.report.markup import Html, data_block, element, filled, joined, source_hash, table


class Reader(HTMLParser):
    """The tags, attributes and texts of a piece of HTML as a browser reads them."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, content: str) -> None:
        self.texts.append(content)


@given(st.text(max_size=30).filter(lambda text: "\0" not in text and "\r" not in text))
def test_a_text_stays_a_text_wherever_it_stands(content: str) -> None:
    found = Reader(element("p", content, title=content))
    assert found.tags == ["p"]
    assert found.attributes == [("title", content)]
    assert "".join(found.texts) == content


@pytest.mark.parametrize("content", NASTY)
def test_what_is_meant_to_break_out_does_not(content: str) -> None:
    found = Reader(table(content, [content, "n"], [[content, content]], numbers=[1]))
    assert set(found.tags) == {"div", "table", "caption", "thead", "tr", "th", "tbody", "td"}
    assert found.texts.count(content) == 4
    assert {name for name, _ in found.attributes} <= {"class", "tabindex", "role", "aria-label", "scope"}


@given(st.recursive(st.text() | st.integers() | st.none(), lambda children: st.lists(children), max_leaves=8))
def test_data_comes_back_and_ends_no_script(value: Any) -> None:
    block = data_block("data", value)
    content = block.removeprefix('<script type="application/json" id="data">').removesuffix("</script>")
    assert not set(content) & set("<>&\u2028\u2029")
    assert json.loads(content) == value


def test_attributes() -> None:
    assert element("button", "x", class_="a", aria_label="b", hidden=True, id=None, disabled=False) == (
        '<button class="a" aria-label="b" hidden>x</button>'
    )
    assert joined([Html("<b>"), "<b>", 3]) == "<b>&lt;b&gt;3"


def test_a_template_is_filled_in_one_pass() -> None:
    parts = {"A": Html("{{B}}"), "B": Html("b")}
    assert filled("x{{A}}y{{B}}z", parts) == "x{{B}}ybz"
    with pytest.raises(ValueError, match=r"the template wants \['A'\] and is given \['A', 'B'\]"):
        filled("x{{A}}", parts)


def test_a_source_is_named_as_browsers_name_it() -> None:
    # From the specification of Content Security Policy, level 3.
    assert source_hash("alert('Hello, world.');") == "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
