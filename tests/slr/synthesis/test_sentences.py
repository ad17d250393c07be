"""Sentences: a small grammar, and lists of a real corpus."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from slr.synthesis.corpus import SimulatedSpec
from slr.synthesis.sentences import Grammar, Sentence, read_durations, read_sentence_lists

HEADER = "id\tsigner\tnum_frames\tgloss\n"
ROWS = {
    "train": "monday-0\tSigner01\t31\tREGEN  loc-NORD\nmonday-1\tSigner02\t12\tSONNE\n",
    "dev": "tuesday-0\tSigner02\t40\tSONNE REGEN SONNE\n",
    "test": "tuesday-1\tSigner01\t25\tWIND\n",
}
GLOSSES = [f"G{i:02d}" for i in range(60)]


def write_lists(folder: Path, header: str = HEADER, **changed: str) -> Path:
    folder.mkdir(exist_ok=True)
    for split, rows in {**ROWS, **changed}.items():
        (folder / f"{split}.tsv").write_text(header + rows, encoding="utf-8")
    return folder


def write_segments(folder: Path, text: str) -> Path:
    path = folder / "auto_alignment_segments.txt.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def corpus_of(grammar: Grammar, sentences: int, seed: int = 1) -> list[tuple[str, ...]]:
    generator = np.random.default_rng(seed)
    return [grammar.sentence(int(generator.integers(3, 9)), generator) for _ in range(sentences)]


# --- grammar


@pytest.mark.parametrize("glosses", [2, 3, 9, 60])
def test_no_gloss_follows_itself(glosses: int) -> None:
    grammar = Grammar(GLOSSES[:glosses], np.random.default_rng(0))
    for sentence in corpus_of(grammar, 60):
        assert all(before != after for before, after in itertools.pairwise(sentence))


def test_sentences_have_the_length_asked_for_and_known_glosses() -> None:
    generator = np.random.default_rng(0)
    grammar = Grammar(GLOSSES, generator)
    for length in (1, 2, 7):
        sentence = grammar.sentence(length, generator)
        assert len(sentence) == length
        assert set(sentence) <= set(GLOSSES)


def test_earlier_glosses_are_more_frequent_about_as_zipf_says() -> None:
    grammar = Grammar(GLOSSES, np.random.default_rng(0), bigram_share=0.0)
    counts = Counter(gloss for sentence in corpus_of(grammar, 1000) for gloss in sentence)
    total = sum(counts.values())
    weight = [(rank + 3) ** -0.9 for rank in range(60)]
    for start in range(0, 60, 15):
        expected = sum(weight[start : start + 15]) / sum(weight)
        measured = sum(counts[gloss] for gloss in GLOSSES[start : start + 15]) / total
        # Repeats are redrawn, which takes a little from the most frequent.
        assert measured == pytest.approx(expected, rel=0.12)


def test_with_bigrams_the_order_of_frequencies_is_roughly_kept() -> None:
    counts = Counter(
        gloss for sentence in corpus_of(Grammar(GLOSSES, np.random.default_rng(0)), 600) for gloss in sentence
    )
    thirds = [sum(counts[gloss] for gloss in GLOSSES[start : start + 20]) for start in (0, 20, 40)]
    assert thirds[0] > 1.5 * thirds[1] > 1.5 * thirds[2]
    assert len(counts) == 60


def test_a_gloss_has_a_few_favourite_successors() -> None:
    def share_of_eight(bigram_share: float) -> float:
        grammar = Grammar(GLOSSES, np.random.default_rng(0), bigram_share=bigram_share)
        successors: Counter[str] = Counter()
        for sentence in corpus_of(grammar, 800):
            successors.update(after for before, after in itertools.pairwise(sentence) if before == "G00")
        return sum(count for _, count in successors.most_common(8)) / sum(successors.values())

    assert share_of_eight(0.55) > 0.65
    assert share_of_eight(0.0) < 0.5
    assert share_of_eight(1.0) == 1.0


# --- lists


def test_lists_give_ids_signers_frames_and_glosses(tmp_path: Path) -> None:
    lists = read_sentence_lists(write_lists(tmp_path))
    assert lists["train"][0] == Sentence("monday-0", ("REGEN", "loc-NORD"), "Signer01", 31)
    assert [len(lists[split]) for split in ("train", "dev", "test")] == [2, 1, 1]


def test_columns_are_found_by_name_and_a_signer_may_be_left_open(tmp_path: Path) -> None:
    folder = write_lists(
        tmp_path, "gloss\tnote\tid\tnum_frames\tsigner\n", train='A B\t"x\tm-0\t9\t\n', dev="A\t\td-0\t8\tS1\n",
        test="B\t\tt-0\t7\tS2\n",
    )  # fmt: skip
    lists = read_sentence_lists(folder)
    assert lists["train"] == [Sentence("m-0", ("A", "B"), None, 9)]
    assert lists["dev"] == [Sentence("d-0", ("A",), "S1", 8)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("m-0\tS1\tmany\tREGEN\n", r"line 2 of .*train\.tsv is not id, signer, num_frames, gloss"),
        ("m-0\tS1\t0\tREGEN\n", "line 2 .* at least one frame and one gloss"),
        ("m-0\tS1\t-3\tREGEN\n", "line 2 .* at least one frame"),
        ("m-0\tS1\t9\t \n", "line 2 .* at least one frame and one gloss"),
        ("m-0\tS1\n", "line 2 .* is not id, signer"),
        ("\tS1\t9\tREGEN\n", "line 2 .* is not id, signer"),
        ("../m-0\tS1\t9\tREGEN\n", "line 2 .* is not id, signer"),
        ("m-0\tS1\t9\tREGEN|SONNE\n", r"line 2 .* has a \| in a signer or gloss"),
        ("m-0\tS1\t9\tA\nm-1\tS1\t9\tB\nm-0\tS1\t9\tC\n", "line 4 .* repeats clip 'm-0'"),
        ("", r"train\.tsv lists no clip: is the file complete"),
    ],
)
def test_a_malformed_row_is_refused_in_a_sentence(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_sentence_lists(write_lists(tmp_path, train=rows))


def test_a_missing_column_table_or_encoding_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"train\.tsv lacks the column gloss, num_frames"):
        read_sentence_lists(write_lists(tmp_path / "columns", "id\tsigner\tframes\ttext\n"))
    folder = write_lists(tmp_path / "tables")
    (folder / "dev.tsv").unlink()
    with pytest.raises(ValueError, match=r"dev\.tsv does not exist: a folder of sentence lists holds"):
        read_sentence_lists(folder)
    folder = write_lists(tmp_path / "encoding")
    (folder / "test.tsv").write_bytes((HEADER + "m-0\tS1\t9\tKÄLTE\n").encode("latin-1"))
    with pytest.raises(ValueError, match=r"test\.tsv is not UTF-8 text \(byte \d+\): save it as UTF-8"):
        read_sentence_lists(folder)


def test_durations_are_medians_and_leave_out_segments_that_end_before_they_begin(tmp_path: Path) -> None:
    path = write_segments(tmp_path, "c/1/|A|0|9\nc/1/|A|10|29\nc/1/|A|30|33\nc/1/|B|40|44\nd/1/|B|100|31\n")
    assert read_durations(path) == {"A": 10, "B": 5}


@pytest.mark.parametrize("line", ["c|A|0", "c|A|0|nine", "c|A|0|9|9", "", "c|A|-1|4"])
def test_a_malformed_segment_is_refused_in_a_sentence(tmp_path: Path, line: str) -> None:
    path = write_segments(tmp_path, f"c|A|0|4\n{line}\n")
    with pytest.raises(ValueError, match=r"line 2 of .* is not id\|gloss\|first frame\|last frame"):
        read_durations(path)


def test_a_broken_archive_of_segments_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = write_segments(tmp_path, "c|A|0|4\n" * 500)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"c|A|0|4\n", whole[:20] + b"\xff\xff\xff\xff" + whole[24:]):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"cannot be read as gzip text .*: copy it again"):
            read_durations(path)


def test_a_corpus_signs_the_listed_sentences(tmp_path: Path) -> None:
    folder = write_lists(tmp_path)
    write_segments(folder, "m|REGEN|0|19\nm|loc-NORD|20|25\nm|SONNE|0|3\n")
    # Two minimal pairs of the profile need four glosses, and there are four.
    clips = SimulatedSpec("mini", sentence_lists=str(folder)).open()
    assert set(clips.lexicon.signs) == {"REGEN", "loc-NORD", "SONNE", "WIND"}
    assert [clips.signer_of("train", index) for index in (0, 1)] == ["Signer01", "Signer02"]
    for split, frames in {"train": [31, 12], "dev": [40], "test": [25]}.items():
        for index, count in enumerate(frames):
            motion = clips.motion(split, index)[0]
            assert len(motion) == count
            assert tuple(segment.gloss for segment in motion.segments) == clips.sentences[split][index].glosses
    first, second = clips.motion("train", 0)[0].segments
    assert first.end - first.start > 2 * (second.end - second.start)


@pytest.mark.shared
def test_phoenix_lists_have_the_sizes_of_phoenix(shared_data: Path) -> None:
    lists = read_sentence_lists(shared_data / "phoenix2014")
    assert {split: len(sentences) for split, sentences in lists.items()} == {"train": 5671, "dev": 540, "test": 629}
    everything = [sentence for sentences in lists.values() for sentence in sentences]
    assert len({gloss for sentence in everything for gloss in sentence.glosses}) == 1295
    assert len({sentence.signer for sentence in everything}) == 9
    assert lists["dev"][0].num_frames == 215


@pytest.mark.shared
def test_the_large_profile_signs_phoenix_sentences_in_their_frames(shared_data: Path) -> None:
    clips = SimulatedSpec("large", sentence_lists=str(shared_data / "phoenix2014")).open()
    assert {split: len(sentences) for split, sentences in clips.sentences.items()} == {
        "train": 5671, "dev": 540, "test": 629,
    }  # fmt: skip
    assert len(clips.lexicon.signs) == 1295
    assert len(clips.lexicon.minimal_pairs) == 140
    assert clips.frame_size == (210, 260)
    for split in ("train", "dev", "test"):
        for index in range(0, 500, 100):
            motion, signer, _ = clips.motion(split, index)
            sentence = clips.sentences[split][index]
            assert len(motion) == sentence.num_frames
            assert tuple(segment.gloss for segment in motion.segments) == sentence.glosses
            assert motion.segments[-1].end <= len(motion)
            assert signer is clips.signers[str(sentence.signer)]


@pytest.mark.shared
def test_alignments_of_phoenix_give_durations(shared_data: Path) -> None:
    durations = read_durations(shared_data / "phoenix2014" / "auto_alignment_segments.txt.gz")
    assert len(durations) == 1219
    assert all(2 <= frames <= 76 for frames in durations.values())
    assert np.median(list(durations.values())) == pytest.approx(15, abs=5)
