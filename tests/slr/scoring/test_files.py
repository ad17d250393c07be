from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slr.scoring import Transcript, read_transcripts, write_corpus, write_ctm, write_lines, write_stm

# Letters of several scripts, signs that glosses carry, and separators that only some forms can hold.
GLOSS = st.text(string.ascii_letters + "0189-_+^äßОЖ你们好ी[]<>;#", min_size=1, max_size=6).filter(
    lambda gloss: gloss != "[EMPTY]"
)
CLIP = st.text(string.ascii_letters + string.digits + "_-.пр你", min_size=1, max_size=8).filter(
    lambda clip: clip.lower() not in ("id", "name", "clip")
)
SIGNER = st.sampled_from([None, "Signer01", "Анна"])
SENTENCES = st.dictionaries(CLIP, st.lists(GLOSS, max_size=6), min_size=1, max_size=5)


@st.composite
def transcripts(draw):
    """Transcripts with a signer each and times to the millisecond, one gloss after the other."""
    found = {}
    for clip, glosses in draw(SENTENCES).items():
        gaps = st.lists(st.integers(0, 3000), min_size=2 * len(glosses), max_size=2 * len(glosses))
        marks = [sum(gap[: i + 1]) / 1000 for gap in [draw(gaps)] for i in range(len(gap))]
        found[clip] = Transcript(tuple(glosses), draw(SIGNER), tuple(zip(marks[::2], marks[1::2], strict=True)))
    return found


ROUND_TRIP = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ROUND_TRIP
@given(transcripts())
def test_stm_files_come_back_with_signers(tmp_path, written):
    write_stm(tmp_path / "x.stm", written)
    read = read_transcripts(tmp_path / "x.stm")
    assert [(c, t.glosses, t.signer) for c, t in read.items()] == [
        (c, t.glosses, t.signer or "unknown") for c, t in written.items()
    ]


@ROUND_TRIP
@given(transcripts())
def test_ctm_files_come_back_with_times(tmp_path, written):
    write_ctm(tmp_path / "x.ctm", written)
    read = read_transcripts(tmp_path / "x.ctm")
    assert {c: t.glosses for c, t in read.items()} == {c: t.glosses for c, t in written.items()}
    for clip, transcript in written.items():
        assert len(read[clip].times) == len(transcript.times)
        for found, expected in zip(read[clip].times, transcript.times, strict=True):
            assert found == pytest.approx(expected, abs=1e-6)


@ROUND_TRIP
@given(transcripts())
def test_corpus_files_come_back_with_signers(tmp_path, written):
    write_corpus(tmp_path / "x.csv", written)
    read = read_transcripts(tmp_path / "x.csv")
    assert [(c, t.glosses, t.signer) for c, t in read.items()] == [(c, t.glosses, t.signer) for c, t in written.items()]


@ROUND_TRIP
@given(SENTENCES, st.sampled_from([" ", "|", ","]))
def test_lines_come_back(tmp_path, sentences, separator):
    written = {clip: Transcript(tuple(glosses)) for clip, glosses in sentences.items()}
    write_lines(tmp_path / "x.txt", written, separator)
    assert read_transcripts(tmp_path / "x.txt") == written


def test_times_and_confidences_of_a_ctm_line(tmp_path):
    path = tmp_path / "x.ctm"
    write_ctm(path, {"a": Transcript(("X", "Y"), times=((0.04, 0.2), (1.0, 1.36)), confidences=(0.98765, 0.5))})
    assert path.read_text() == "a 1 0.040 0.160 X 0.9877\na 1 1.000 0.360 Y 0.5000\n"
    assert read_transcripts(path) == {
        "a": Transcript(("X", "Y"), times=((0.04, 0.2), (1.0, 1.36)), confidences=(0.9877, 0.5))
    }


def test_ctm_lines_are_sorted_by_time_as_numbers(tmp_path):
    path = tmp_path / "x.ctm"
    path.write_text(";; made by hand\nb 1 10.20 0.1 Z\nb 1 9.80 0.1 Y\na 1 0 1 X\nc 1 0.000 0.030 [EMPTY]\n")
    read = read_transcripts(path)
    assert {clip: transcript.glosses for clip, transcript in read.items()} == {"b": ("Y", "Z"), "a": ("X",), "c": ()}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.txt", "a X Y\nb\n"),
        ("x.txt", "\ufeffa  X   Y \r\n\r\nb \r\n"),
        ("x.txt", "a|X  Y\nb|\n"),
        ("x.csv", "a,X Y\nb,\n"),
        ("x.csv", "a,X,Y\nb,\n"),
        ("x.csv", "id|folder|signer|annotation\na|a/1/*.png|S|X  Y\nb|b/1/*.png|S|\n"),
        ("x.csv", "a|a/1/*.png|S|X  Y\nb|b/1/*.png|S|\n"),
        ("x.csv", "a|a/1/*.png|-1|-1|S|X Y|ein wort\nb|b/1/*.png|-1|-1|S||\n"),
        ("x.csv", "name|video|start|end|speaker|orth|translation\na|v|0|1|S|X Y|t\nb|v|0|1|S||t\n"),
        ("x.tsv", "id\tsigner\tnum_frames\tgloss\na\tS\t7\tX Y\nb\tS\t7\t\n"),
        ("x.csv", "id,gloss\na,X Y\nb,\n"),
        ("x.STM", ";; comment\na 1 S 0.0 1.79769e+308 <o,f0,male> X Y\nb 1 S 0.0 1.0\n"),
        ("reference", ";; comment\na 1 S 0.0 1.79769e+308 X Y\nb 1 S 0.0 1.0\n"),
        ("hypotheses", "a 1 0.00 0.10 X\na 1 0.10 0.10 Y\nb 1 0.00 0.03 [EMPTY]\n"),
    ],
)
def test_every_form_says_the_same(tmp_path, name, text):
    (tmp_path / name).write_bytes(text.encode())
    read = read_transcripts(tmp_path / name)
    assert {clip: transcript.glosses for clip, transcript in read.items()} == {"a": ("X", "Y"), "b": ()}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.stm", "a 1 S 0.0 1.0 X\nb 1 S zero 1.0 X\n", r"x\.stm, line 2: expected 'clip channel signer start end"),
        ("x.stm", "a 1 S 0.0\n", "line 1: expected 'clip channel signer"),
        ("x.stm", "a 1 S 0.0 1.0 X\na 1 S 0.0 1.0 Y\n", "line 2: expected every clip once, but 'a' is on line 1"),
        ("x.ctm", "a 1 0.0 0.1\n", r"line 1: expected 'clip channel start duration gloss \[confidence\]', got 'a 1 0"),
        ("x.ctm", "a 1 0.0 -0.1 X\n", "line 1: expected 'clip channel start"),
        ("x.ctm", "a 1 nan 0.1 X\n", "line 1"),
        ("x.csv", "a|X\nb|X|Y\n", "line 2: expected 2 columns divided by '|'"),
        ("x.csv", "a|X|Y\n", "line 1: expected 'clip|gloss gloss ...' or"),
        ("x.csv", "name|split\na|train\n", "line 1: expected a column called one of annotation, orth"),
        ("x.csv", "id|folder|signer|annotation\n", "holds no transcript"),
        ("x.csv", "a,X\nb X\n", "line 2: expected 'clip,gloss gloss ...' without quotes, got 'b X'"),
        ("x.csv", 'a,"X, Y"\n', "without quotes"),
        ("x.txt", "|X\n", "line 1: expected the id of a clip in front"),
        ("x.txt", "", "holds no transcript: expected an STM file"),
        ("x.txt", "a X\na Y\n", "line 2: expected every clip once"),
        ("x.json", '{"a": ["X"]}\n', "line 1: expected an STM file"),
        ("x.txt", b"a \xff\n", "is not UTF-8 text .byte 2.: expected an STM file"),
        ("x.txt", b"a\0b X\n", "expected an STM file"),
    ],
)
def test_anything_else_is_refused_with_its_place(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message.replace("|", r"\|").replace("...", r"\.\.\.")) as caught:
        read_transcripts(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("write", "clip", "glosses"),
    [
        (write_stm, "a b", ("X",)),
        (write_stm, "a", ("X Y",)),
        (write_stm, "a", ("<o,f0,male>", "X")),
        (write_stm, ";;a", ("X",)),
        (write_corpus, "a|b", ("X",)),
        (write_corpus, "a", ("X|Y",)),
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
    with pytest.raises(ValueError, match="'a' has no times"):
        write_ctm(tmp_path / "x.ctm", {"a": Transcript(("X",))})
    with pytest.raises(ValueError, match="read back"):
        write_ctm(tmp_path / "x.ctm", {"a": Transcript(("X", "Y"), times=((1.0, 2.0), (0.0, 0.5)))})
    with pytest.raises(ValueError, match="not by ';'"):
        write_lines(tmp_path / "x.txt", {"a": Transcript(("X",))}, ";")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "clips", "signers"),
    [
        ("phoenix2014/dev.corpus.csv", 540, 9),
        ("phoenix2014/train.corpus.csv", 5672, 9),
        ("phoenix2014/test.tsv", 629, 9),
        ("phoenix2014/test.SI5.corpus.csv", 180, 1),
        ("phoenix2014/phoenix2014-groundtruth-test.stm", 629, 9),
        ("phoenix2014T/PHOENIX-2014-T.dev.corpus.csv", 519, 9),
        ("phoenix2014T/phoenix2014-T-groundtruth-train.stm", 7096, 9),
        ("csl-daily/CSL-Daily-groundtruth-dev.stm", 1077, 1),
    ],
)
def test_the_files_of_the_corpora_are_read(shared_data, name, clips, signers):
    read = read_transcripts(shared_data / name)
    assert len(read) == clips
    assert len({transcript.signer for transcript in read.values()}) == signers
    assert all(transcript.glosses for transcript in read.values())


@pytest.mark.shared
def test_the_two_files_of_a_split_agree_gloss_for_gloss(shared_data):
    folder = shared_data / "phoenix2014T"
    stm = read_transcripts(folder / "phoenix2014-T-groundtruth-dev.stm")
    table = read_transcripts(folder / "PHOENIX-2014-T.dev.corpus.csv")
    assert {clip: t.signer for clip, t in stm.items()} == {clip: t.signer for clip, t in table.items()}
    assert sum(stm[clip].glosses == t.glosses for clip, t in table.items()) > 400  # the table is not cleaned
