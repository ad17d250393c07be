from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.scoring import mapsswe, score
from slr.scoring.significance.segments import _cut
from tests.reference import significance as slow
from tests.slr.scoring.significance.systems import aligned, random_reports, report


def with_insertions(words: list[str], gaps: list[int]) -> str:
    """Operations: as many insertions before every word, and at the end, as ``gaps`` says."""
    return "".join("I" * gap + word for gap, word in zip(gaps, [*words, ""], strict=True))


@st.composite
def two_alignments(draw: st.DrawFn) -> tuple[str, str]:
    """Of the same reference, mostly correct."""
    length = draw(st.integers(0, 12))
    word, gap = st.sampled_from("CCCSD"), st.sampled_from((0, 0, 0, 1, 2))
    one, other = (
        with_insertions(
            draw(st.lists(word, min_size=length, max_size=length)),
            draw(st.lists(gap, min_size=length + 1, max_size=length + 1)),
        )
        for _ in range(2)
    )
    return one, other


@given(two_alignments())
def test_segments_are_those_of_the_sentence_written_out_in_columns(pair):
    assert _cut(*pair) == slow.segments(*pair)


@pytest.mark.parametrize(
    ("first", "second", "segments"),
    [
        ("CCCC", "CCCC", []),
        ("SCCS", "CCCC", [(1, 0), (1, 0)]),  # two right glosses part the errors
        ("SCS", "CCC", [(2, 0)]),  # one does not
        ("SCCC", "CCSC", [(1, 1)]),  # right in the first system alone does not count
        ("SCCC", "CCCS", [(1, 0), (0, 1)]),
        ("SCICS", "CCCC", [(3, 0)]),  # an insertion between the right glosses
        ("CCI", "CC", [(1, 0)]),
        ("CC", "CCI", [(0, 1)]),  # at the end, in either system
        ("ICCCI", "CCC", [(1, 0), (1, 0)]),
        ("II", "", [(2, 0)]),  # a clip without glosses
        ("SSCCCDIC", "CDCCCCIC", [(2, 1), (2, 1)]),
    ],
)
def test_segments_a_person_can_follow(first, second, segments):
    assert _cut(first, second) == segments == slow.segments(first, second)


def test_the_statistic_is_the_mean_over_its_standard_error():
    first = aligned("SCCSSCCC", "CCCC", "DCCC", "SI")
    second = aligned("CCCCSCCC", "CCCC", "CCCS", "C")
    differences = [1, 1, 1, -1, 2]  # clip by clip: two segments, none, two, one
    found = mapsswe(first, second)
    deviation = statistics.stdev(differences)
    assert (found.segments, found.mean) == (5, pytest.approx(0.8))
    assert found.deviation == pytest.approx(deviation)
    assert found.z == pytest.approx(0.8 / (deviation / math.sqrt(5)))
    assert found.p_value == pytest.approx(slow.normal_tails(found.z), abs=1e-6)


def test_no_segment_crosses_the_end_of_a_clip():
    assert mapsswe(aligned("CS", "SC"), aligned("CC", "CC")).segments == 2


def test_a_system_does_not_differ_from_itself():
    system = aligned("SCCSI", "CC", "DDC")
    found = mapsswe(system, system)
    assert (found.segments, found.mean, found.deviation, found.z, found.p_value) == (3, 0, 0, 0, 1)
    perfect = aligned("CC", "CCC")
    assert mapsswe(perfect, perfect).segments == 0
    assert mapsswe(perfect, perfect).p_value == 1


def test_the_same_difference_on_every_segment_has_the_p_value_of_the_sign_test():
    found = mapsswe(aligned(*["SCC"] * 6), aligned(*["CCC"] * 6))
    assert (found.segments, found.mean, found.deviation, found.z) == (6, 1, 0, None)
    assert found.p_value == slow.share_of_swaps([1] * 6, [0] * 6) == 2 / 2**6
    one = mapsswe(aligned("SSS"), aligned("CCC"))
    assert (one.segments, one.mean, one.p_value) == (1, 3, 1)


def test_exchanging_the_systems_changes_the_sign_only():
    first, second = random_reports(60, [0.3, 0.35], seed=0)
    there, back = mapsswe(first, second), mapsswe(second, first)
    assert (there.z, there.mean) == (-back.z, -back.mean)
    assert (there.segments, there.deviation, there.p_value) == (back.segments, back.deviation, back.p_value)
    assert (second.wer < first.wer) == (there.mean > 0)


def test_clips_are_paired_by_their_names():
    references = {"a": ["X", "Y"], "b": ["Z"]}
    first = score(references, {"a": ["X", "Q"], "b": ["Z"]}, "raw")
    second = score(dict(reversed(references.items())), {"a": ["X", "Q"], "b": ["Q"]}, "raw")
    assert (mapsswe(first, second).segments, mapsswe(first, second).mean) == (2, -0.5)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match=r"1 clips under 'raw' and 2 under 'raw'"):
        mapsswe(report(1), report(1, 2))
    with pytest.raises(ValueError, match=r"those of clip '0' differ"):
        mapsswe(score({"0": ["X"]}, {}, "raw"), score({"0": ["Y"]}, {}, "raw"))
