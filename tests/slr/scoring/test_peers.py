from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slr.scoring import protocol_by_name, read_transcripts, score
from tests.reference.peers import vac_counts

SENTENCE = st.lists(st.sampled_from(["A", "a", "B", "C", "neg-A", "__ON__"]), max_size=9)


@pytest.mark.parametrize(
    ("sentence", "cleaned"),
    [
        ("REGEN WIND", "REGEN WIND"),
        ("loc-NORD poss-MEIN lh-HOCH", "NORD MEIN HOCH"),
        ("WIE AUSSEHEN", "WIE-AUSSEHEN"),
        ("ZEIGEN REGEN ZEIGEN", "ZEIGEN-BILDSCHIRM REGEN ZEIGEN-BILDSCHIRM"),
        ("REGEN S H WIND", "REGEN S+H WIND"),
        ("S H WIND", "S+H WIND"),
        ("S H", "S H"),  # no rule joins two letters that are the whole sentence
        ("REGEN S H", "REGEN S+H"),
        ("REGEN A B C D WIND", "REGEN A+B+C+D WIND"),
        ("REGEN SCH A WIND", "REGEN SCH+A WIND"),
        ("REGEN A NN WIND", "REGEN A+NN WIND"),
        ("NORDRAUM loc-SUEDRAUM TRAUM", "NORD SUED TRAUM"),
        ("REGEN __PU__ REGEN", "REGEN"),
        ("REGEN REGEN REGEN REGEN-PLUSPLUS", "REGEN"),
        ("IM-VERLAUF IM-VERLAUF", "IM-VERLAUF"),
        ("__EMOTION__", ""),
        ("", ""),
    ],
)
def test_the_port_of_two_stream_cleans_whole_sentences_on_both_sides(sentence, cleaned):
    protocol = protocol_by_name("twostream")
    assert protocol.hypothesis(sentence.split()) == protocol.reference(sentence.split()) == tuple(cleaned.split())


@pytest.mark.parametrize(
    ("sentence", "cleaned", "reference"),
    [
        ("loc-NORD poss-MEIN lh-HOCH", "NORD poss-MEIN lh-HOCH", "NORD poss-MEIN lh-HOCH"),
        ("WIE AUSSEHEN", "WIE-AUSSEHEN", "WIE-AUSSEHEN"),
        ("__ON__ ZEIGEN SUEDRAUM", "ZEIGEN SUED", "ZEIGEN SUED"),
        ("REGEN REGEN-PLUSPLUS", "REGEN", "REGEN"),
        ("neg-HABEN neg-HABEN", "neg-HABEN", "neg-HABEN neg-HABEN"),
        ("S H", "S H", "S+H"),  # in an STM file more stands before the first letter
        ("REGEN S H WIND", "REGEN S+H WIND", "REGEN S+H WIND"),
    ],
)
def test_for_phoenix_t_the_port_and_the_script_differ_in_repeats_of_the_reference(sentence, cleaned, reference):
    port = protocol_by_name("twostream-t")
    assert port.hypothesis(sentence.split()) == port.reference(sentence.split()) == tuple(cleaned.split())
    assert protocol_by_name("phoenix2014t-script").reference(sentence.split()) == tuple(reference.split())


@settings(deadline=None)
@given(SENTENCE.filter(bool), SENTENCE)
def test_vac_counts_are_those_of_a_slow_derivation(reference, hypothesis):
    counts = score({"a": reference}, {"a": hypothesis}, "vac-python").counts
    expected = vac_counts(reference, hypothesis or ["[EMPTY]"])
    assert (counts.correct, counts.substitutions, counts.deletions, counts.insertions) == expected


def test_vac_drops_repeats_of_the_hypothesis_only_and_minds_the_case():
    report = score({"a": ["A", "A", "B"]}, {"a": ["A", "A", "b"]}, "vac-python")
    assert (report.clips[0].hypothesis, report.clips[0].operations) == (("A", "b"), "DCS")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "dev", "test"),
    [
        ("vac-python", (746, 324, 250, 5540), (827, 411, 333, 6504)),
        ("twostream", (740, 326, 251, 5535), (818, 412, 333, 6493)),
    ],
)
def test_the_hypotheses_that_sclite_gives_25_percent_score_23_with_peers(shared_data, name, dev, test):
    folder = shared_data / "phoenix2014"
    for split, expected in (("dev", dev), ("test", test)):
        references = read_transcripts(folder / f"phoenix2014-groundtruth-{split}.stm")
        hypotheses = read_transcripts(folder / "sclite-fixture" / f"{split}.hyp.raw.ctm")
        counts = score(
            {clip: transcript.glosses for clip, transcript in references.items()},
            {clip: transcript.glosses for clip, transcript in hypotheses.items()},
            name,
        ).counts
        assert (counts.substitutions, counts.deletions, counts.insertions, counts.reference) == expected
        assert counts.wer < 0.242
