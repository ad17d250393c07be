from __future__ import annotations

import gzip
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.scoring import Counts, read_transcripts, score
from tests.reference.sclite import errors_by_utterance

FACTS = {"dev": (540, 773, 291, 355, 5540, 500), "test": (629, 840, 388, 457, 6504, 579)}
SENTENCES = st.dictionaries(st.text("abc", min_size=1), st.lists(st.sampled_from(["A", "B", "C"])), min_size=1)


@pytest.fixture(scope="module")
def phoenix(shared_data):
    return shared_data / "phoenix2014"


def glosses(path):
    return {clip: transcript.glosses for clip, transcript in read_transcripts(path).items()}


def test_counts_come_first_and_ratios_from_them():
    report = score({"a": ["X", "Y", "Z"], "b": ["X"], "c": []}, {"a": ["X", "Q", "Z", "W"], "b": [], "c": []}, "raw")
    assert [clip.operations for clip in report.clips] == ["CSCI", "D", ""]
    assert report.counts == Counts(correct=2, substitutions=1, deletions=1, insertions=1)
    assert (report.counts.reference, report.counts.errors, report.wer) == (4, 3, 0.75)
    assert report.sentence_error_rate == pytest.approx(2 / 3)
    assert report.counts.as_dict() == {"wer": 0.75, "sub": 1, "del": 1, "ins": 1, "ref": 4}
    assert report.errors_and_lengths.tolist() == [[2, 3], [1, 1], [0, 0]]


def test_an_alignment_pairs_glosses():
    clip = score({"a": ["X", "Y"]}, {"a": ["Y", "Z"]}, "raw").clips[0]
    assert [(p.operation, p.reference, p.hypothesis) for p in clip.alignment()] == [
        ("D", "X", None),
        ("C", "Y", "Y"),
        ("I", None, "Z"),
    ]


def test_errors_are_pooled_over_clips_and_not_averaged():
    report = score({"a": ["X"] * 9, "b": ["X"]}, {"a": ["X"] * 9, "b": ["Y"]}, "raw")
    assert report.wer == 0.1


@given(SENTENCES, SENTENCES)
def test_counts_agree_with_the_lengths_of_both_sides(references, hypotheses):
    known = {clip: hypotheses[clip] for clip in references if clip in hypotheses}
    report = score(references, known, "raw")
    for clip in report.clips:
        counts = clip.counts
        assert counts.reference == len(references[clip.clip])
        assert counts.correct + counts.substitutions + counts.insertions == len(known.get(clip.clip, []))


def test_a_clip_without_hypothesis_counts_as_empty_and_is_named():
    report = score({"a": ["X", "Y"], "b": ["X"]}, {"b": ["X"]}, "raw")
    assert report.missing == ("a",)
    assert report.counts == Counts(correct=1, deletions=2)


def test_case_is_ignored_where_sclite_ignores_it():
    report = score({"a": ["Regen", "БЕРЕГ", "ÄRGER"]}, {"a": ["REGEN", "берег", "ärger"]}, "raw")
    assert report.clips[0].operations == "CSS"
    assert report.clips[0].reference == ("Regen", "БЕРЕГ", "ÄRGER")


def test_glosses_are_counted_one_by_one():
    report = score({"a": ["X", "Y", "x"], "b": ["Z"]}, {"a": ["x", "W", "X", "Z"], "b": []}, "raw")
    assert [clip.operations for clip in report.clips] == ["CSCI", "D"]
    assert list(report.by_gloss().items()) == [
        ("X", Counts(correct=2)),
        ("Z", Counts(deletions=1, insertions=1)),
        ("Y", Counts(substitutions=1)),
    ]
    assert sum(report.by_gloss().values(), Counts()) == report.counts


def test_a_hypothesis_without_reference_is_refused():
    with pytest.raises(ValueError, match=r"1 of 2 hypotheses .* 'c'"):
        score({"a": ["X"]}, {"a": ["X"], "c": ["X"]})


def test_a_sentence_in_one_string_is_refused():
    with pytest.raises(ValueError, match=r"hypothesis of clip 'a' is one string, 'X Y'"):
        score({"a": ["X"]}, {"a": "X Y"})


def test_nothing_to_recognise_has_no_word_error_rate():
    with pytest.raises(ValueError, match="no reference"):
        score({}, {})
    report = score({"a": []}, {"a": ["X"]}, "raw")
    assert report.counts.as_dict()["wer"] is None
    with pytest.raises(ValueError, match="no gloss"):
        assert report.wer


def test_glosses_can_be_left_out_of_both_sides():
    report = score({"a": ["__ON__", "X", "__OFF__"]}, {"a": ["X", "__off__", "__OFF__"]}, "raw")
    assert report.wer == pytest.approx(2 / 3)
    bare = report.without(["__ON__", "__OFF__"])
    assert bare.clips[0].reference == bare.clips[0].hypothesis == ("X",)
    assert bare.counts == Counts(correct=1)


def test_groups_have_reports_of_their_own():
    references = {"a": ["X"], "b": ["X", "Y"], "c": ["X"], "d": ["X"]}
    report = score(references, {"a": ["X"], "b": ["X"], "c": []}, "raw")
    groups = report.grouped({"a": "Zoe", "b": "Ann", "d": "Ann"})
    assert list(groups) == ["Ann", "Zoe"]
    assert groups["Ann"].counts == Counts(correct=1, deletions=2)
    assert groups["Ann"].missing == ("d",)
    assert groups["Zoe"].counts == Counts(correct=1)


def test_confusions_are_counted():
    report = score({"a": ["X", "Y"], "b": ["X", "Y"]}, {"a": ["Z", "Y"], "b": ["Z", "Y", "W"]}, "raw")
    assert report.confusions() == {("X", "Z"): 2, (None, "W"): 1}


@pytest.mark.shared
@pytest.mark.parametrize("split", FACTS)
@pytest.mark.parametrize("hypotheses", ["raw", "normalised"])
def test_phoenix_counts_equal_those_of_sclite(phoenix, split, hypotheses):
    clips, substitutions, deletions, insertions, reference, wrong = FACTS[split]
    report = score(
        glosses(phoenix / f"phoenix2014-groundtruth-{split}.stm"),
        glosses(phoenix / "sclite-fixture" / f"{split}.hyp.{hypotheses}.ctm"),
        "phoenix2014",
    )
    assert report.counts == Counts(reference - substitutions - deletions, substitutions, deletions, insertions)
    assert len(report.clips) == clips
    assert report.sentence_error_rate == wrong / clips


@pytest.mark.shared
@pytest.mark.parametrize("split", FACTS)
def test_phoenix_alignments_equal_those_of_sclite_clip_by_clip(phoenix, split):
    listing = gzip.decompress((phoenix / "sclite-fixture" / f"{split}.pra.gz").read_bytes()).decode()
    report = score(
        glosses(phoenix / f"phoenix2014-groundtruth-{split}.stm"),
        glosses(phoenix / "sclite-fixture" / f"{split}.hyp.raw.ctm"),
    )
    ours = {clip.clip.lower(): clip.operations.replace("C", "") for clip in report.clips}
    assert ours == errors_by_utterance(listing, r"File: (\S+)")


@pytest.mark.shared
@pytest.mark.parametrize("split", FACTS)
def test_the_annotations_of_phoenix_are_a_perfect_transcript(phoenix, split):
    official = glosses(phoenix / f"phoenix2014-groundtruth-{split}.stm")
    annotations = glosses(phoenix / f"{split}.corpus.csv")
    for references in (official, annotations):
        report = score(references, annotations, "phoenix2014")
        assert (report.counts.errors, report.counts.reference) == (0, FACTS[split][4])


@pytest.mark.shared
def test_raw_training_labels_are_a_perfect_transcript_of_themselves_and_scored_fast(phoenix):
    annotations = glosses(phoenix / "train.corpus.csv")
    start = time.perf_counter()
    report = score(annotations, annotations, "phoenix2014")
    assert time.perf_counter() - start < 10  # well under a second on an idle machine; 5672 clips
    assert report.counts.errors == 0
    assert report.counts.reference < sum(map(len, annotations.values()))
