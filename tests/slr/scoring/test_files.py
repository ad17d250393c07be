from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slr.scoring import Transcript, read_transcripts
from slr.scoring.files import parse_transcripts


def test_ctm_lines_are_sorted_by_time_as_numbers(tmp_path):
    path = tmp_path / "x.ctm"
    path.write_text(";; made by hand\nb 1 10.20 0.1 Z\nb 1 9.80 0.1 Y\na 1 0 1 X\nc 1 0.000 0.030 [EMPTY]\n")
    read = read_transcripts(path)
    assert {clip: transcript.glosses for clip, transcript in read.items()} == {"b": ("Y", "Z"), "a": ("X",), "c": ()}


def test_times_are_added_as_decimals(tmp_path):
    (tmp_path / "x.ctm").write_text("a 1 0.1 0.2 X 0.75\n")
    assert read_transcripts(tmp_path / "x.ctm")["a"] == Transcript(
        ("X",), times=((0.1, 0.3),), confidences=(0.75,), channel="1"
    )


def test_everything_in_an_stm_line_is_read(tmp_path):
    (tmp_path / "x.stm").write_text("a B anna 0.5 7.25 <o,f0,female> X Y\n")
    assert read_transcripts(tmp_path / "x.stm")["a"] == Transcript(
        ("X", "Y"), signer="anna", channel="B", span=(0.5, 7.25), label="<o,f0,female>"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.txt", "a X Y\nb\n"),
        ("x.txt", "\ufeffa  X   Y \r\n\r\nb \r\n"),
        ("x.txt", "a X Y\rb\r"),
        ("x.txt", "a X\tY\nb [EMPTY]\n"),
        ("x.txt", "a|X  Y\nb|\n"),
        ("x.csv", "a,X Y\nb,\n"),
        ("x.csv", "a,X,Y\nb,\n"),
        ("x.csv", "id|folder|signer|annotation\na|a/1/*.png|S|X  Y\nb|b/1/*.png|S|\n"),
        ("x.csv", "id|folder|signer|annotation\r\na|a/1/*.png|S|X  Y\r\nb|b/1/*.png|S|\r\n"),
        ("x.csv", "a|a/1/*.png|S|X  Y\nb|b/1/*.png|S|\n"),
        ("x.csv", "a|a/1/*.png|-1|-1|S|X Y|ein wort\nb|b/1/*.png|-1|-1|S||\n"),
        ("x.csv", "name|video|start|end|speaker|orth|translation\na|v|0|1|S|X Y|t\nb|v|0|1|S||t\n"),
        ("x.txt", "index|name|length|gloss|char|word|postag\n0|a|9|X Y|c|w|p\n1|b|9||c|w|p\n"),
        ("x.tsv", "id\tsigner\tnum_frames\tgloss\na\tS\t7\tX Y\nb\tS\t7\t\n"),
        ("x.csv", "id,gloss\na,X Y\nb,\n"),
        ("x.STM", ";; comment\na 1 S 0.0 1.79769e+308 <o,f0,male> X Y\nb 1 S 0.0 1.0 [EMPTY]\n"),
        ("x.stm", "a 1 S 0.0 1.79769e+308 X Y\r\nb 1 S 0.0 1.0 [EMPTY]\r\n"),
        ("reference", ";; comment\na 1 S 0.0 1.79769e+308 X Y\nb 1 S 0.0 1.0 [EMPTY]\n"),
        ("hypotheses", "a 1 0.00 0.10 X\na 1 0.10 0.10 Y\nb 1 0.00 0.03 [EMPTY]\n"),
        ("hypotheses", "a 1 0 0.10 X\r\na 1 0.10 0.10 Y\r\nb 1 0.00 0.03 [EMPTY]\r\n"),
    ],
)
def test_every_form_says_the_same(tmp_path, name, text):
    (tmp_path / name).write_bytes(text.encode())
    read = read_transcripts(tmp_path / name)
    assert {clip: transcript.glosses for clip, transcript in read.items()} == {"a": ("X", "Y"), "b": ()}


STM = "expected 'clip channel signer start end"
CTM = "expected 'clip channel start duration gloss [confidence]'"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.stm", "a 1 S 0.0 1.0 X\nb 1 S zero 1.0 X\n", f"x.stm, line 2: {STM}"),
        ("x.stm", "a 1 S 0.0 1.0 X\nb 1 S -1.0 1.0 X\n", f"line 2: {STM}"),
        ("x.stm", "a 1 S 0.0\n", f"line 1: {STM}"),
        ("x.stm", "a 1 S 2.0 1.0 X\n", "line 1: expected a segment that ends after it starts"),
        ("x.stm", "a 1 S 0.0 1.0 X\nb 1 S 0.0 1.0\n", "line 2: expected a transcript after the times"),
        ("x.stm", "a 1 S 0.0 1.0 <o,f0,male>\n", "line 1: expected a transcript after the times"),
        ("x.stm", "a 1 S 0.0 1.0 X\n\na 1 S 0.0 1.0 Y\n", "line 3: expected every clip once, but 'a' is on line 1"),
        ("x.stm", "a 1 S 0.0 1.0 X { Y / Z }\n", "line 1: expected glosses, but NIST sclite does not take '{'"),
        ("x.stm", "a 1 S 0.0 1.0 X @\n", "line 1: expected glosses, but NIST sclite does not take '@'"),
        ("x.stm", "a 1 S 0.0 1.0 ignore_time_segment_in_scoring\n", "NIST sclite does not take 'ignore_time"),
        ("x.ctm", "a 1 0.0 0.1 X\na 1 0.1\n", f"x.ctm, line 2: {CTM}"),
        ("x.ctm", "a 1 0.0 0.1\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 X\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 - 0.1 X\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 0.0 0.1 X\na 1 -0.1 0.1 Y\n", f"line 2: {CTM}"),
        ("x.txt", "a 1 -0.1 0.1 X\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 0.0 -0.1 X\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 nan 0.1 X\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 inf 0.1 X\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 1e999 0.1 X\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 1_0 0.1 X\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 ١ 0.1 X\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 0.0 0.1 X 1.5\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 0.0 0.1 X 0.5 Y\n", f"line 1: {CTM}"),
        ("x.ctm", "a 1 0.0 0.1 X 0.5\na 1 0.1 0.1 Y\n", "line 2: expected a confidence for every gloss of clip 'a'"),
        ("x.ctm", "a 1 0.0 0.1 X\na 2 0.1 0.1 Y\n", "line 2: expected channel '1' for all of clip 'a'"),
        ("x.ctm", "a 1 0 1 X\nb 1 0 1 X\na 1 0 1 X\n", "line 3: expected every clip once, but 'a' is on line 1"),
        ("x.ctm", "a 1 0.0 0.1 [EMPTY]\na 1 0.1 0.1 Y\n", "line 1: expected [EMPTY] to stand alone"),
        ("x.ctm", "a 1 0.0 0.1 <ALT_BEGIN>\n", "NIST sclite does not take '<ALT_BEGIN>'"),
        ("x.csv", "a|X\nb|X|Y\n", "line 2: expected 2 columns divided by '|'"),
        ("x.csv", "a|X|Y\n", "line 1: expected 'clip|gloss gloss ...' or"),
        ("x.csv", "name|split\na|train\n", "line 1: expected a column called one of annotation, orth"),
        ("x.csv", "id|folder|signer|annotation\n", "line 1: expected rows below the names of the columns"),
        ("x.csv", "id,gloss\n", "line 1: expected rows below the names of the columns"),
        (
            "x.csv",
            "id|annotation|prediction\na|X|Y\n",
            "line 1: expected one column of glosses, not",
        ),
        ("x.csv", "id|gloss|gloss_starts|gloss_ends\na|X Y|0|1 2\n", "line 2: expected a number for each of 2 glosses"),
        ("x.csv", "id|gloss|confidences\na|X|-1\n", "line 2: expected numbers from 0"),
        ("x.csv", "a,X\nb X\n", "line 2: expected 'clip,gloss gloss ...' without quotes, got 'b X'"),
        ("x.csv", 'a,"X, Y"\n', "without quotes"),
        ("x.txt", "|X\n", "line 1: expected the id of a clip in front"),
        ("x.txt", "", "x.txt, line 1: expected a transcript somewhere in the file"),
        ("x.txt", "\n\n", "expected a transcript somewhere in the file"),
        ("x.txt", ";; nothing\n", "expected a transcript somewhere in the file"),
        ("x.txt", "a X\na Y\n", "line 2: expected every clip once"),
        ("x.txt", "a X [EMPTY]\n", "line 1: expected [EMPTY] to stand alone"),
        ("x.json", '{"a": ["X"]}\n', "line 1: expected an STM file"),
        ("x.txt", b"a \xff\n", "line 1: expected UTF-8 text, got the byte 0xFF"),
        ("x.txt", b"\xef\xbb\xbf" + "a Ä\nb ".encode() + b"\xe4\n", "line 2: expected UTF-8 text, got the byte 0xE4"),
        ("x.txt", "a X\n".encode("utf-16"), "line 1: expected UTF-8 text, got UTF-16"),
        ("x.txt", "a X\n".encode("utf-16-le"), "line 1: expected letters, signs and ordinary blanks, not U+0000"),
        ("x.txt", b"a X\na\0b X\n", "line 2: expected letters, signs and ordinary blanks, not U+0000"),
        ("x.txt", "a X\nb X\u00a0Y\n", "line 2: expected letters, signs and ordinary blanks, not U+00A0"),
        ("x.txt", "a 你们\u3000好\n", "not U+3000"),
        ("x.txt", "a X\n\ufeffb X\n", "line 2: expected letters, signs and ordinary blanks, not U+FEFF"),
    ],
)
def test_anything_else_is_refused_with_its_place(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=r"\A.*line \d+: expected .*, got ") as caught:
        read_transcripts(path)
    assert str(caught.value).startswith(f"{path}, line ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError):
        read_transcripts(tmp_path)


@pytest.mark.parametrize("name", ["x.stm", "x.ctm", "x.csv", "x.txt"])
def test_a_sentence_of_ten_thousand_glosses_is_read_at_once(tmp_path, name):
    glosses = [f"G{index}" for index in range(10_000)]
    lines = {
        "x.stm": f"a 1 S 0.0 1.0 {' '.join(glosses)}\n",
        "x.ctm": "".join(f"a 1 {index}.5 0.1 {gloss}\n" for index, gloss in enumerate(glosses)),
        "x.csv": f"a|{' '.join(glosses)}\n",
        "x.txt": f"a {' '.join(glosses)}\n",
    }
    (tmp_path / name).write_text(lines[name])
    start = time.perf_counter()
    assert read_transcripts(tmp_path / name)["a"].glosses == tuple(glosses)
    assert time.perf_counter() - start < 5  # far below a second on an idle machine


# Text that is nearly a file: words, numbers and separators in any order.
WORDS = ("a", "b", "1", "0.0", "-1", "1.5e3", "X", "[EMPTY]", "@", "{", "|", ",", "\t", " ", "  ", "\n", "\r\n", ";;")
ALMOST = st.lists(st.sampled_from(WORDS) | st.characters(), max_size=40).map("".join)


def refusal(path: Path, text: str) -> str | None:
    """Why a text is refused; what is read is checked."""
    try:
        read = parse_transcripts(path, text)
    except ValueError as error:
        return str(error)
    assert read
    for clip, transcript in read.items():
        assert clip == clip.strip() != ""
        assert all(gloss and not gloss.isspace() and gloss != "[EMPTY]" for gloss in transcript.glosses)
        assert transcript.times is None or len(transcript.times) == len(transcript.glosses)
    return None


@settings(deadline=None)
@given(ALMOST, st.sampled_from(["x.stm", "x.ctm", "x.csv", "x.txt"]))
def test_whatever_is_in_a_file_it_is_read_or_refused_in_one_sentence(text, name):
    sentence = refusal(Path(name), text)
    assert sentence is None or (sentence.startswith(f"{name}, line ") and "\n" not in sentence)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "x"
    path.write_bytes(data + b"\xff")
    with pytest.raises(ValueError, match=r"/x, line \d+: expected UTF-8 text, got"):
        read_transcripts(path)


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
