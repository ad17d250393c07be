"""Equality with NIST sclite, the program, sentence by sentence."""

from __future__ import annotations

import string
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slr.scoring import Transcript, read_transcripts, score, write_ctm, write_stm
from slr.scoring.protocols import as_sclite_compares
from tests.reference import sclite
from tests.slr.scoring.test_alignment import random_pairs

FACTS = {"dev": 5540, "test": 6504}
# One run of sclite for many pairs: it is the start of the program that takes the time.
MANY_PAIRS = settings(max_examples=10, deadline=None)
SENTENCE = st.lists(
    st.sampled_from(["A", "B", "b", "C", "loc-A", "你们", "Ä", "ä", "[EMPTY]", "(A)", "X+Y"]), max_size=8
)
# Everything but blanks, the { of alternatives and the @ that is no word; comments only begin in front of a line.
NASTY = st.text(string.ascii_letters[:3] + "ABä你*;\\()%-<>#.,|/~^$!?\"'`&=+_[]:}", min_size=1, max_size=4).filter(
    lambda word: not word.startswith("<")
)


@pytest.fixture(scope="module", autouse=True)
def _installed():
    sclite.program()


def ours(pairs) -> list[str]:
    references = {str(index): reference for index, (reference, _) in enumerate(pairs)}
    hypotheses = {str(index): hypothesis for index, (_, hypothesis) in enumerate(pairs)}
    return [clip.operations.replace("C", "") for clip in score(references, hypotheses, "raw").clips]


def theirs(pairs) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        return sclite.errors_of(pairs, Path(folder))


def test_random_pairs_have_the_errors_of_sclite():
    pairs = random_pairs(2000, seed=1)
    assert ours(pairs) == theirs(pairs)


@MANY_PAIRS
@given(st.lists(st.tuples(SENTENCE, SENTENCE).filter(lambda pair: pair[0]), min_size=50, max_size=200))
def test_any_pairs_have_the_errors_of_sclite(pairs):
    assert ours(pairs) == theirs(pairs)


@MANY_PAIRS
@given(st.lists(st.tuples(NASTY, NASTY), min_size=50, max_size=200))
def test_glosses_are_the_same_when_sclite_takes_them_for_the_same(words):
    variants = [(word, kind(word)) for word, _ in words for kind in (str.swapcase, "{}*".format, "{};x".format)]
    pairs = [(["M", reference, "M"], ["M", hypothesis, "M"]) for reference, hypothesis in [*words, *variants]]
    same = [as_sclite_compares(pair[0][1]) == as_sclite_compares(pair[1][1]) for pair in pairs]
    assert ["" if equal else "S" for equal in same] == theirs(pairs)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Regen", "REGEN", True),
        ("ÄRGER", "ärger", False),  # sclite knows the case of ASCII letters only
        ("БЕРЕГ", "берег", False),
        ("ICH1*", "ICH1", True),
        ("ICH1**", "ICH1", False),
        ("GEHEN;2", "GEHEN;1", True),
        (r"GEHEN\;2", r"GEHEN\;1", False),
        ("(A)", "A", False),
        ("A%", "A", False),
        ("[EMPTY]", "A", False),
    ],
)
def test_what_sclite_takes_for_the_same(one, other, same):
    assert (as_sclite_compares(one) == as_sclite_compares(other)) is same
    assert theirs([(["M", one], ["M", other])]) == ["" if same else "S"]


def test_our_stm_and_ctm_files_score_the_same_with_sclite(tmp_path):
    pairs = {f"clip{index:04d}": pair for index, pair in enumerate(random_pairs(300, seed=2))}
    write_stm(tmp_path / "ref.stm", {c: Transcript(tuple(r), signer="anna") for c, (r, _) in pairs.items()})
    times = tuple((0.4 * i, 0.4 * i + 0.36) for i in range(12))
    write_ctm(tmp_path / "hyp.ctm", {c: Transcript(tuple(h), times=times[: len(h)]) for c, (_, h) in pairs.items()})
    found = sclite.errors_of_files(tmp_path / "ref.stm", tmp_path / "hyp.ctm")
    report = score({c: r for c, (r, _) in pairs.items()}, {c: h for c, (_, h) in pairs.items()}, "phoenix2014")
    assert any(not hypothesis for _, hypothesis in pairs.values())
    assert list(found.values()) == [clip.operations.replace("C", "") for clip in report.clips]


@pytest.mark.shared
@pytest.mark.parametrize("split", FACTS)
def test_the_fixture_has_the_errors_of_sclite_clip_by_clip(shared_data, tmp_path, split):
    # Sorted, and with the clips that have no hypothesis, the files are those of the organisers' pipeline.
    folder = shared_data / "phoenix2014"
    references = read_transcripts(folder / f"phoenix2014-groundtruth-{split}.stm")
    hypotheses = read_transcripts(folder / "sclite-fixture" / f"{split}.hyp.raw.ctm")
    report = score(glosses(references), glosses(hypotheses), "phoenix2014")
    errors = theirs([(clip.reference, clip.hypothesis) for clip in report.clips])
    assert errors == [clip.operations.replace("C", "") for clip in report.clips]


@pytest.mark.shared
@pytest.mark.parametrize("split", FACTS)
def test_the_raw_annotations_are_perfect_for_sclite_and_for_us(shared_data, split):
    folder = shared_data / "phoenix2014"
    references = glosses(read_transcripts(folder / f"phoenix2014-groundtruth-{split}.stm"))
    annotations = glosses(read_transcripts(folder / f"{split}.corpus.csv"))
    report = score(references, annotations, "phoenix2014")
    assert (report.counts.errors, report.counts.reference) == (0, FACTS[split])
    assert set(theirs([(clip.reference, clip.hypothesis) for clip in report.clips])) == {""}


def glosses(transcripts):
    return {clip: transcript.glosses for clip, transcript in transcripts.items()}
