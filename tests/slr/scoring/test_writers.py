from __future__ import annotations

import string
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from slr.scoring import Transcript, read_transcripts, write_corpus, write_ctm, write_lines, write_stm

# Letters of several scripts, signs that glosses carry, and separators that only some forms can hold.
GLOSS = st.text(string.ascii_letters + "0189-_+^äßОЖ你们好ी[]<>;#*\\", min_size=1, max_size=6).filter(
    lambda gloss: gloss != "[EMPTY]"
)
CLIP = st.text(string.ascii_letters + string.digits + "_-.пр你", min_size=1, max_size=8).filter(
    lambda clip: clip.lower() not in ("id", "name", "clip")
)
SIGNER = st.sampled_from([None, "Signer01", "Анна"])
SENTENCES = st.dictionaries(CLIP, st.lists(GLOSS, max_size=6), min_size=1, max_size=5)
SECONDS = st.floats(0, 1e5) | st.integers(0, 3000).map(lambda number: number / 1000)
ROUND_TRIP = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@st.composite
def stm_contents(draw):
    """All that an STM file says."""
    found = {}
    for clip, glosses in draw(SENTENCES).items():
        assume(not (glosses and glosses[0].startswith("<")))  # sclite takes it for the label
        start, end = sorted([draw(SECONDS), draw(SECONDS)])
        found[clip] = Transcript(
            tuple(glosses),
            signer=draw(st.sampled_from(["Signer01", "Анна"])),
            channel=draw(st.sampled_from(["1", "A"])),
            span=(start, draw(st.sampled_from([end, 1.79769e308]))),
            label=draw(st.sampled_from([None, "<o,f0,male>"])),
        )
    return found


@st.composite
def ctm_contents(draw):
    """All that a CTM file says: one gloss begins after the other, at any times."""
    found = {}
    for clip, glosses in draw(SENTENCES).items():
        number = len(glosses)
        starts = sorted(draw(st.lists(SECONDS, min_size=number, max_size=number)))
        lengths = draw(st.lists(SECONDS, min_size=number, max_size=number))
        certain = st.none() | st.lists(st.floats(0, 1), min_size=number, max_size=number).map(tuple)
        found[clip] = Transcript(
            tuple(glosses),
            times=tuple((start, start + length) for start, length in zip(starts, lengths, strict=True)),
            confidences=(draw(certain) or None) if number else None,
            channel=draw(st.sampled_from(["1", "A"])),
        )
    return found


@ROUND_TRIP
@given(stm_contents())
def test_stm_files_come_back_whole_through_a_table(tmp_path, written):
    write_stm(tmp_path / "x.stm", written)
    assert read_transcripts(tmp_path / "x.stm") == written
    write_corpus(tmp_path / "x.csv", read_transcripts(tmp_path / "x.stm"))
    write_stm(tmp_path / "again.stm", read_transcripts(tmp_path / "x.csv"))
    assert (tmp_path / "again.stm").read_bytes() == (tmp_path / "x.stm").read_bytes()


@ROUND_TRIP
@given(ctm_contents())
def test_ctm_files_come_back_whole_through_a_table(tmp_path, written):
    write_ctm(tmp_path / "x.ctm", written)
    assert read_transcripts(tmp_path / "x.ctm") == written
    write_corpus(tmp_path / "x.csv", read_transcripts(tmp_path / "x.ctm"))
    write_ctm(tmp_path / "again.ctm", read_transcripts(tmp_path / "x.csv"))
    assert (tmp_path / "again.ctm").read_bytes() == (tmp_path / "x.ctm").read_bytes()


@ROUND_TRIP
@given(SENTENCES, SIGNER)
def test_corpus_files_come_back_with_signers(tmp_path, sentences, signer):
    written = {clip: Transcript(tuple(glosses), signer) for clip, glosses in sentences.items()}
    write_corpus(tmp_path / "x.csv", written)
    assert read_transcripts(tmp_path / "x.csv") == written


@ROUND_TRIP
@given(SENTENCES, st.sampled_from([" ", "|", ","]))
def test_lines_come_back(tmp_path, sentences, separator):
    written = {clip: Transcript(tuple(glosses)) for clip, glosses in sentences.items()}
    write_lines(tmp_path / "x.txt", written, separator)
    assert read_transcripts(tmp_path / "x.txt") == written


def test_numbers_keep_their_digits_and_are_written_to_the_millisecond_at_least(tmp_path):
    path = tmp_path / "x.ctm"
    times = ((0.04, 0.2), (np.float64(1.0), 1.36), (2.0, 2.0 + 1 / 3))
    write_ctm(path, {"a": Transcript(("X", "Y", "Z"), times=times, confidences=(0.98765, np.float64(0.5), 1.0))})
    assert path.read_text() == (
        "a 1 0.040 0.160 X 0.98765\na 1 1.000 0.360 Y 0.5\na 1 2.000 0.3333333333333335 Z 1.0\n"
    )


def test_a_clip_without_signer_times_or_gloss_is_written_as_the_form_has_it(tmp_path):
    write_stm(tmp_path / "x.stm", {"a": Transcript(("X",)), "b": Transcript(())})
    assert (tmp_path / "x.stm").read_text() == (
        "a 1 unknown 0.0 1.79769e+308 X\nb 1 unknown 0.0 1.79769e+308 [EMPTY]\n"
    )
    write_ctm(tmp_path / "x.ctm", {"a": Transcript(())})
    assert (tmp_path / "x.ctm").read_text() == "a 1 0.000 0.000 [EMPTY]\n"
    write_corpus(tmp_path / "x.csv", {"a": Transcript(("X",)), "b": Transcript(())})
    assert (tmp_path / "x.csv").read_text() == "id|folder|signer|annotation\na|||X\nb|||\n"


@pytest.mark.parametrize(
    ("write", "clip", "glosses"),
    [
        (write_stm, "a b", ("X",)),
        (write_stm, "a", ("X Y",)),
        (write_stm, "a", ("<o,f0,male>", "X")),
        (write_stm, "a", ("X", "{", "Y")),
        (write_stm, "a", ("X", "@")),
        (write_stm, "a", ("X", "[EMPTY]")),
        (write_stm, ";;a", ("X",)),
        (write_corpus, "a|b", ("X",)),
        (write_corpus, "a", ("X|Y",)),
        (write_corpus, "a", ("X\u00a0Y",)),
        (write_corpus, "", ("X",)),
        (write_lines, "a", ("X", "")),
        (write_lines, "a,b", ("X",)),
        (write_lines, "a", ("1", "S", "0.0", "1.0")),
        (write_lines, "{a", ("X",)),
    ],
)
def test_what_would_not_come_back_is_not_written(tmp_path, write, clip, glosses):
    with pytest.raises(ValueError, match=r"cannot be written|read back"):
        write(tmp_path / "x.txt", {clip: Transcript(glosses)})
    assert list(tmp_path.iterdir()) == []


def test_a_ctm_file_needs_times_in_order(tmp_path):
    path, timed = tmp_path / "x.ctm", Transcript(("X", "Y"), times=((1.0, 2.0), (0.0, 0.5)))
    with pytest.raises(ValueError, match="'a' has no times"):
        write_ctm(path, {"a": Transcript(("X",))})
    with pytest.raises(ValueError, match="read back"):
        write_ctm(path, {"a": timed})
    with pytest.raises(ValueError, match=r"line 2: expected .* times in seconds from 0"):
        write_ctm(path, {"a": replace(timed, times=((0.0, 0.5), (2.0, 1.0)))})
    with pytest.raises(ValueError, match=r"line 1: expected .* a confidence up to 1"):
        write_ctm(path, {"a": Transcript(("X",), times=((0.0, 1.0),), confidences=(1.5,))})
    with pytest.raises(ValueError, match="not by ';'"):
        write_lines(tmp_path / "x.txt", {"a": Transcript(("X",))}, ";")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["phoenix2014/phoenix2014-groundtruth-dev.stm", "csl-daily/CSL-Daily-groundtruth-test.stm"]
)
def test_official_references_come_back_word_for_word_through_a_table(shared_data, tmp_path, name):
    official = shared_data / name
    write_corpus(tmp_path / "x.csv", read_transcripts(official))
    write_stm(tmp_path / "x.stm", read_transcripts(tmp_path / "x.csv"))
    assert words(tmp_path / "x.stm") == words(official)


@pytest.mark.shared
def test_hypotheses_come_back_through_a_table(shared_data, tmp_path):
    made = read_transcripts(shared_data / "phoenix2014" / "sclite-fixture" / "dev.hyp.raw.ctm")
    write_corpus(tmp_path / "x.csv", made)
    assert read_transcripts(tmp_path / "x.csv") == made
    write_ctm(tmp_path / "x.ctm", read_transcripts(tmp_path / "x.csv"))
    assert read_transcripts(tmp_path / "x.ctm") == made


def words(path: Path) -> list[list[str]]:
    """The lines of a file, however many blanks divide their words."""
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
