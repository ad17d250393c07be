from __future__ import annotations

import itertools
import math
import re
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pympi import Eaf

from slr.scoring import Transcript, write_elan

DATE = datetime(2014, 5, 26, 12, tzinfo=timezone.utc)


def spoken(*segments: tuple[float, float, str], signer: str | None = None) -> Transcript:
    return Transcript(tuple(gloss for *_, gloss in segments), signer, tuple((start, end) for start, end, _ in segments))


def read(path: Path) -> dict[str, list[tuple[int, int, str]]]:
    """The annotations of every tier, as another program reads them."""
    eaf = Eaf(path)
    return {tier: sorted(eaf.get_annotation_data_for_tier(tier)) for tier in eaf.get_tier_names()}


def test_another_reader_finds_glosses_and_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "clip.eaf"
    reference = spoken((0.04, 0.44, "MORGEN"), (0.44, 1.2, "REGEN"), signer="Signer08")
    write_elan(path, {"reference": reference, "hypothesis": spoken((0.0405, 0.5004, "MORGEN"))})
    assert read(path) == {
        "reference": [(40, 440, "MORGEN"), (440, 1200, "REGEN")],
        "hypothesis": [(40, 500, "MORGEN")],
    }
    assert Eaf(path).get_parameters_for_tier("reference")["PARTICIPANT"] == "Signer08"


def test_tiers_stand_in_the_order_given(tmp_path: Path) -> None:
    path = tmp_path / "clip.eaf"
    write_elan(path, {name: spoken((0, 1, "A")) for name in ("b", "c", "a")})
    assert [tier.get("TIER_ID") for tier in ElementTree.parse(path).iter("TIER")] == ["b", "c", "a"]


@pytest.mark.parametrize(
    "gloss", ["天气", "WIE-AUSSEHEN", "Straße", "<A&B>", '"]]>', "'", "مطر", "\U00020000", "__ON__", "A\u0301"]
)
def test_every_script_and_every_sign_of_xml_survives(tmp_path: Path, gloss: str) -> None:
    path = tmp_path / "clip.eaf"
    write_elan(path, {gloss: spoken((0, 0.5, gloss), signer=gloss)}, author=gloss)
    assert read(path) == {gloss: [(0, 500, gloss)]}
    assert ElementTree.parse(path).getroot().get("AUTHOR") == gloss


def test_a_clip_in_which_nothing_was_recognised_has_an_empty_tier(tmp_path: Path) -> None:
    path = tmp_path / "clip.eaf"
    write_elan(path, {"reference": spoken(), "hypothesis": Transcript(())})
    assert read(path) == {"reference": [], "hypothesis": []}
    assert list(ElementTree.parse(path).iter("TIME_SLOT")) == []


def test_what_overlaps_keeps_its_times_in_a_further_tier(tmp_path: Path) -> None:
    path = tmp_path / "clip.eaf"
    overlapping = spoken((0.0, 1.0, "A"), (0.4, 0.6, "B"), (0.5, 2.0, "C"), (1.0, 1.5, "D"), (0.6, 0.7, "E"))
    write_elan(path, {"h": overlapping, "h (2)": spoken((0, 1, "X"))})
    assert read(path) == {
        "h": [(0, 1000, "A"), (1000, 1500, "D")],
        "h (3)": [(400, 600, "B"), (600, 700, "E")],
        "h (4)": [(500, 2000, "C")],
        "h (2)": [(0, 1000, "X")],
    }


def test_slots_are_in_the_order_of_time_with_ends_before_starts(tmp_path: Path) -> None:
    path = tmp_path / "clip.eaf"
    write_elan(path, {"r": spoken((0, 0.4, "A"), (0.4, 0.9, "B")), "h": spoken((0.1, 0.4, "C"))})
    root = ElementTree.parse(path).getroot()
    assert [slot.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")] == ["0", "100", "400", "400", "400", "900"]
    starts = {annotation.get("TIME_SLOT_REF1") for annotation in root.iter("ALIGNABLE_ANNOTATION")}
    assert starts == {"ts1", "ts2", "ts5"}


SEGMENT = st.tuples(st.integers(0, 200), st.integers(1, 40), st.sampled_from(["A", "B", "天"])).map(
    lambda row: (row[0] / 1000, (row[0] + row[1]) / 1000, row[2])
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(["r", "h", "x"]), st.lists(SEGMENT, max_size=12), max_size=3))
def test_every_segment_is_there_once_and_no_tier_overlaps(
    tmp_path_factory: pytest.TempPathFactory, tiers: Mapping[str, list[tuple[float, float, str]]]
) -> None:
    path = tmp_path_factory.mktemp("any") / "clip.eaf"
    write_elan(path, {name: spoken(*segments) for name, segments in tiers.items()})
    found = read(path)
    for layer in found.values():
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(layer))
    for name, segments in tiers.items():
        written = [segment for tier, layer in found.items() if tier.split(" (")[0] == name for segment in layer]
        wanted = [(round(1000 * start), round(1000 * end), gloss) for start, end, gloss in segments]
        assert sorted(written) == sorted(wanted)
    root = ElementTree.parse(path).getroot()
    times = [int(slot.get("TIME_VALUE", "")) for slot in root.iter("TIME_SLOT")]
    assert times == sorted(times)
    ids = [
        element.get(key)
        for element in root.iter()
        for key in ("TIME_SLOT_ID", "ANNOTATION_ID")
        if key in element.attrib
    ]
    assert len(set(ids)) == len(ids) == 3 * sum(map(len, tiers.values()))


def test_media_are_found_by_their_path_and_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "eaf" / "clip.eaf"
    write_elan(path, {"h": spoken()}, media=tmp_path / "videos" / "ein clip.mp4")
    (media,) = Eaf(path).get_linked_files()
    assert media["MEDIA_URL"] == (tmp_path / "videos" / "ein clip.mp4").as_uri()
    assert media["RELATIVE_MEDIA_URL"] == "../videos/ein%20clip.mp4"
    assert media["MIME_TYPE"] == "video/mp4"
    write_elan(path, {"h": spoken()}, media=path.with_suffix(".strange"))
    (media,) = Eaf(path).get_linked_files()
    assert (media["RELATIVE_MEDIA_URL"], media["MIME_TYPE"]) == ("./clip.strange", "unknown")


def test_without_media_none_are_named(tmp_path: Path) -> None:
    write_elan(tmp_path / "clip.eaf", {"h": spoken()})
    assert Eaf(tmp_path / "clip.eaf").get_linked_files() == []


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone of a process can be set on POSIX only")
def test_the_date_is_one_of_xml_in_every_time_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for zone in ("UTC", "Asia/Kolkata", "America/New_York"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        write_elan(tmp_path / "clip.eaf", {"h": spoken()})
        date = Eaf(tmp_path / "clip.eaf").adocument["DATE"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", date)
        assert abs((datetime.now(timezone.utc) - datetime.fromisoformat(date)).total_seconds()) < 60
    monkeypatch.undo()
    time.tzset()


def test_the_same_segments_make_the_same_file_and_replace_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "clip.eaf"
    write_elan(path, {"h": spoken((0, 1, "ANOTHER"))}, date=DATE)
    for name in ("clip.eaf", "second.eaf"):
        write_elan(tmp_path / name, {"h": spoken((0, 1, "A"))}, date=DATE)
    assert path.read_bytes() == (tmp_path / "second.eaf").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["clip.eaf", "second.eaf"]


@pytest.mark.parametrize(
    "times", [(0.5, 0.5), (0.5, 0.5004), (0.6, 0.5), (-0.1, 0.5), (math.nan, 1), (0, math.inf), (0, 3e6)]
)
def test_times_that_no_annotation_can_have_are_refused(tmp_path: Path, times: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"'B' in tier 'h' goes from .* to .* s: an annotation"):
        write_elan(tmp_path / "clip.eaf", {"h": spoken((0, 0.2, "A"), (*times, "B"))})
    assert not (tmp_path / "clip.eaf").exists()


@pytest.mark.parametrize("times", [None, ((0.0, 1.0),)])
def test_glosses_without_times_are_refused(tmp_path: Path, times: tuple[tuple[float, float], ...] | None) -> None:
    with pytest.raises(ValueError, match=r"'h' has 2 glosses and times for [01]: ELAN needs start and end"):
        write_elan(tmp_path / "clip.eaf", {"h": Transcript(("A", "B"), times=times)})


@pytest.mark.parametrize("text", ["A\x01", "\ud800", "\ufffe"])
def test_what_xml_cannot_hold_is_refused(tmp_path: Path, text: str) -> None:
    for tiers in ({"h": spoken((0, 1, text))}, {text: spoken()}, {"h": spoken(signer=text)}):
        with pytest.raises(ValueError, match="holds a character that XML cannot hold"):
            write_elan(tmp_path / "clip.eaf", tiers)
    assert not list(tmp_path.iterdir())


def test_a_tier_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a tier needs a name"):
        write_elan(tmp_path / "clip.eaf", {"": spoken()})
