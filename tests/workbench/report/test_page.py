"""The page as text: what is in it, what can never be, and how large it is."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from tests.workbench.analysis.made_up import NASTY, MadeUpCorpus, made_up
from workbench.analysis.findings import Findings
from workbench.report.markup import source_hash
from workbench.report.page import MOST_BYTES
from workbench.report.run_page import run_page

VOID = {"meta", "input", "br", "hr", "img", "link"}


class Outline(HTMLParser):
    """Tags that are open, attributes, and the content of scripts and styles."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.sources: dict[str, list[str]] = {"script": [], "style": []}
        self._open: list[str] = []
        self.feed(content)
        self.close()
        assert self._open == [], f"these are never closed: {self._open}"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attributes if name == "id"]
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if tag in self.sources:
            self.sources[tag].append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, content: str) -> None:
        if self._open and self._open[-1] in self.sources:
            self.sources[self._open[-1]][-1] += content


@pytest.fixture(scope="module")
def findings() -> Findings:
    return made_up(MadeUpCorpus(12))


@pytest.fixture(scope="module")
def page(findings: Findings) -> str:
    return run_page(findings)


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_it_is_the_same_every_time(findings: Findings, page: str) -> None:
    assert run_page(findings) == page


def test_it_needs_nothing_from_outside(page: str, outline: Outline) -> None:
    links = [value for _, name, value in outline.attributes if name in ("src", "href", "action", "poster", "srcset")]
    assert links
    assert all(link.startswith("#") for link in links)
    assert {link.removeprefix("#") for link in links} <= set(outline.ids)
    assert not re.search(r"https?:(?!//www\.w3\.org/2000/svg)", page)
    assert "@import" not in page
    assert not re.search(r"\burl\((?!#)", page)


def test_its_policy_lets_run_what_it_brings_and_nothing_else(outline: Outline) -> None:
    (policy,) = [value for tag, name, value in outline.attributes if tag == "meta" and "default-src" in value]
    (style,) = outline.sources["style"]
    assert f"style-src '{source_hash(style)}'" in policy
    assert f"script-src '{source_hash(outline.sources['script'][-1])}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not [name for _, name, _ in outline.attributes if name == "style" or name.startswith("on")]


def test_every_id_is_there_once_and_every_field_has_a_name(outline: Outline) -> None:
    assert len(outline.ids) == len(set(outline.ids))
    labelled = {value for tag, name, value in outline.attributes if tag == "label" and name == "for"}
    assert {"search", "sort"} <= labelled
    assert {value for _, name, value in outline.attributes if name == "aria-labelledby"} <= set(outline.ids)


def test_result_and_corpus_are_said_in_words(findings: Findings, page: str) -> None:
    for read in findings.reads.values():
        counts = read.report.counts
        assert f"{counts.substitutions} / {counts.deletions} / {counts.insertions}" in page
        assert f"{100 * counts.wer:.1f}</td>" in page
    assert "points of test WER gained (paired bootstrap p" in page
    assert '<p class="corpus">made-up corpus</p>' in page
    assert "&lt;made up&gt;" in page  # the configuration


def test_the_script_is_given_every_clip(findings: Findings, outline: Outline) -> None:
    data = json.loads(outline.sources["script"][0])
    assert [clip["id"] for clip in data["clips"]] == [clip.id for clip in findings.clips]
    for clip, known in zip(data["clips"], findings.clips, strict=True):
        assert [data["glosses"][gloss] for gloss in clip["reference"]] == list(known.glosses)
        assert list(clip["rows"]) == ["reference", "teacher", "baseline", "student"]
        assert clip["steps"] == -(-findings.place.corpus.num_frames(known) // data["every"])
        assert clip["picture"][1] > 0


@pytest.mark.parametrize("where", ["glosses", "name"])
def test_no_name_becomes_markup(where: str) -> None:
    corpus = MadeUpCorpus(4, glosses=NASTY if where == "glosses" else ("A", "B"), rgb=False)
    found = made_up(corpus, glosses=NASTY, name="".join(NASTY) if where == "name" else "x")
    content = run_page(found)
    outline = Outline(content)
    assert "img" not in outline.tags
    assert outline.tags.count("script") == 3
    assert not [name for _, name, _ in outline.attributes if name.startswith("on")]
    data = json.loads(outline.sources["script"][0])
    assert set(data["glosses"]) <= {*NASTY, "A", "B"}


@pytest.mark.slow
def test_540_clips_are_less_than_five_megabytes_with_what_frames_fit(page_of_many: str) -> None:
    assert 4_000_000 < len(page_of_many.encode()) < 5_000_000
    data = json.loads(Outline(page_of_many).sources["script"][0])
    assert all("at" in clip for clip in data["clips"])
    with_frames = sum("picture" in clip for clip in data["clips"])
    assert with_frames == 540 or f"the frames of {with_frames} of 540 clips" in page_of_many


def test_a_page_holds_no_frame_when_none_is_wanted_and_says_why_when_there_is_none(findings: Findings) -> None:
    without = run_page(findings, pictures=False)
    assert "picture" not in json.loads(Outline(without).sources["script"][0])["clips"][0]
    absent = run_page(made_up(MadeUpCorpus(2, rgb=False)))
    assert "There are no frames on this page: no frames of clip &#x27;test-" in absent


def test_a_run_without_relations_says_so() -> None:
    content = run_page(made_up(MadeUpCorpus(2, rgb=False), relations=False))
    assert "This run learned no relations between the steps of a clip." in content
    assert "<canvas class" not in content


def test_the_limit_is_below_five_megabytes() -> None:
    assert MOST_BYTES < 5_000_000
