from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.ctc import LabelledClip, LabelSet
from slr.vocabulary import Vocabulary

VOCABULARY = Vocabulary(("MORGEN", "REGEN", "天气"))
CLIPS = [
    ("a", ("MORGEN", "REGEN", "REGEN"), 20),
    ("b", ("天气", "UNKNOWN"), 12),
    ("c", (), 4),
    ("d", ("REGEN",) * 9, 8),
]
SET = LabelSet(
    corpus="a corpus",
    split="dev",
    vocabulary=VOCABULARY.fingerprint,
    teacher="STSGNet",
    identity="0123" * 16,
    stride=4,
    clips={
        "a": LabelledClip((0, 1, 2, 0, 2), 20),
        "b": LabelledClip((3, 3, 0), 12),
        "c": LabelledClip((0,), 4),
    },
    left_out={"d": "2 output steps, 17 needed"},
)


def check(labels: LabelSet = SET, split: str = "dev", vocabulary: Vocabulary = VOCABULARY, clips: Any = CLIPS) -> None:
    labels.check("labels.json", split, vocabulary, clips)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    SET.write(tmp_path / "labels.json")
    found = LabelSet.read(tmp_path / "labels.json")
    assert found == SET
    assert found.sha256 == SET.sha256
    check(found)
    assert list(tmp_path.iterdir()) == [tmp_path / "labels.json"]


def test_a_person_can_read_the_labels_of_a_clip_in_one_line(tmp_path: Path) -> None:
    SET.write(tmp_path / "labels.json")
    assert '"labels": "0 1 2 0 2"' in (tmp_path / "labels.json").read_text()


def test_the_hash_is_that_of_the_content() -> None:
    content = {
        "corpus": "a corpus", "split": "dev", "vocabulary": VOCABULARY.fingerprint, "teacher": "STSGNet",
        "identity": "0123" * 16, "stride": 4, "left_out": {"d": "2 output steps, 17 needed"},
        "clips": {
            "a": {"frames": 20, "labels": "0 1 2 0 2"}, "b": {"frames": 12, "labels": "3 3 0"},
            "c": {"frames": 4, "labels": "0"},
        },
    }  # fmt: skip
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert SET.sha256 == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "changed",
    [
        {"corpus": "another"}, {"split": "test"}, {"vocabulary": "0" * 16}, {"teacher": "STGT"}, {"identity": "1" * 64},
        {"stride": 2}, {"left_out": {}}, {"clips": {**SET.clips, "c": LabelledClip((0,), 5)}},
        {"clips": {**SET.clips, "c": LabelledClip((0, 0), 4)}}, {"clips": {**SET.clips, "c": LabelledClip((1,), 4)}},
    ],
)  # fmt: skip
def test_the_hash_changes_with_everything(changed: dict[str, Any]) -> None:
    assert replace(SET, **changed).sha256 != SET.sha256


def test_the_hash_does_not_depend_on_the_order_of_the_clips() -> None:
    assert replace(SET, clips=dict(reversed(SET.clips.items()))).sha256 == SET.sha256


@given(st.lists(st.integers(0, 3), max_size=12))
def test_labels_spell_what_ctc_reads_in_them(labels: list[int]) -> None:
    spelled = [now for before, now in zip([0, *labels], labels, strict=False) if now not in (0, before)]
    assert LabelledClip(tuple(labels), 1).glosses == spelled


@pytest.mark.parametrize(
    "alter",
    [
        lambda text: text.replace("0 1 2 0 2", "0 1 2 0 1"),
        lambda text: text.replace("0 1 2 0 2", "0 1 x 0 2"),
        lambda text: text.replace('"frames": 20', '"frames": 21'),
        lambda text: text.replace('"labels": "3 3 0"', '"labels": [3, 3, 0]'),
        lambda text: text.replace('"labels"', '"label"'),
        lambda text: text.replace('"stride": 4', '"stride": 4, "more": 1'),
        lambda text: text.replace('"stride": 4,', ""),
        lambda text: text.replace("STSGNet", "STGT"),
        lambda text: re.sub(r'"clips": \{.*\}\n \}', '"clips": [1]', text, flags=re.DOTALL),
    ],
)
def test_an_altered_file_is_refused(tmp_path: Path, alter: Callable[[str], str]) -> None:
    path = tmp_path / "labels.json"
    SET.write(path)
    text = path.read_text()
    path.write_text(alter(text))
    assert path.read_text() != text
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))} was changed after it was written"):
        LabelSet.read(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x80\x04pickle", "is damaged or no file of pseudo-labels"),
        (b"", "is damaged or no file of pseudo-labels"),
        (b"{", "is damaged or no file of pseudo-labels"),
        (b"[]", "is JSON, but no file of pseudo-labels"),
        (b'{"wer": 0.2}', "is JSON, but no file of pseudo-labels"),
        (b'{"format": 2, "sha256": "", "clips": {}, "identity": ""}', "has another format than 1"),
    ],
)
def test_what_is_no_label_set_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "labels.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=says):
        LabelSet.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no\.json does not exist: name a file of pseudo-labels"):
        LabelSet.read(tmp_path / "no.json")


def test_labels_of_another_split_are_refused() -> None:
    with pytest.raises(ValueError, match=r"labels\.json labels 'dev' and not 'test': make labels of 'test'"):
        check(split="test")


def test_labels_of_another_vocabulary_are_refused() -> None:
    with pytest.raises(ValueError, match=r"another vocabulary .* its numbers mean other glosses"):
        check(vocabulary=Vocabulary(("MORGEN", "REGEN")))


@pytest.mark.parametrize(
    ("clips", "says"),
    [
        (CLIPS[1:], "labels 'a', which is not in 'dev'"),
        (CLIPS[:3], "labels 'd', which is not in 'dev'"),
        ([*CLIPS, ("e", (), 4)], "says nothing about 'e' of 'dev'"),
        ([("a", ("MORGEN", "REGEN"), 20), *CLIPS[1:]], "aligns 'a' with MORGEN REGEN REGEN, and its .* MORGEN REGEN: "),
        ([CLIPS[0], ("b", ("UNKNOWN",), 12), *CLIPS[2:]], "aligns 'b' with 天气, and its transcript is UNKNOWN"),
        ([*CLIPS[:2], ("c", ("REGEN",), 4), CLIPS[3]], "aligns 'c' with no gloss, and its transcript is REGEN"),
        ([("a", CLIPS[0][1], 24), *CLIPS[1:]], "20 frames of 'a', which has 24 now"),
    ],
)
def test_labels_of_other_clips_are_refused(clips: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check(clips=clips)
