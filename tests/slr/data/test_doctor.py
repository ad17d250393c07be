from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor

from slr.ctc import required_steps
from slr.data import (
    SPLITS,
    Clip,
    Exclusion,
    Finding,
    Phoenix2014,
    TemporalPlan,
    inspect,
    write_keypoints,
)
from slr.data.corpus import gather_vocabulary
from slr.skeleton import SkeletonLayout, skeleton_layout
from slr.vocabulary import Vocabulary

from .conftest import HEIGHT, STORED, WIDTH, clip_keypoints, write_png

FRAMES = "features/fullFrame-210x260px"


def every_second(lengths: Tensor) -> Tensor:
    return (lengths + 1) // 2


def of(findings: list[Finding], check: str, split: str) -> list[Finding]:
    return [finding for finding in findings if finding.check == check and finding.split == split]


def look(corpus: Phoenix2014, **settings) -> list[Finding]:
    return inspect(corpus, settings.pop("vocabulary", corpus.vocabulary("union")), every_second, **settings)


def test_a_sound_corpus_has_contents_and_no_fault(tiny: Phoenix2014) -> None:
    findings = look(tiny)
    assert {finding.severity for finding in findings} == {"info"}
    (train,) = of(findings, "contents", "train")
    assert train.values == {
        "clips": 3,
        "signers": 2,
        "glosses": 6,
        "kinds": 3,
        "frames": 29,
        "clips of Signer01": 2,
        "clips of Signer02": 1,
    }
    assert train.message == (
        "train: 3 clips of 2 signers (Signer01 2, Signer02 1), 6 glosses of 3 kinds, 29 frames (0.00 h)"
    )
    assert {finding.split for finding in findings if finding.check == "contents"} == set(SPLITS)


def test_gaps_are_counted_per_group_and_many_are_a_warning(tiny: Phoenix2014, make_tiny: Callable[..., Path]) -> None:
    (train,) = of(look(tiny), "gaps", "train")
    # Every third frame lacks points 100 to 109 of COCO-WholeBody: five of the ten of the left hand of sign-27.
    gaps = (3 + 5 + 2) / 29
    assert train.severity == "info"
    assert train.values == pytest.approx({"body": 0.0, "left_hand": gaps * 5 / 10, "right_hand": 0.0}, abs=1e-6)
    root = make_tiny()
    keypoints = clip_keypoints(8)
    keypoints[1:, 112:] = 0
    path = root / "keypoints" / "dev.safetensors"
    write_keypoints(path, {"tuesday-0": keypoints}, layout=STORED, size=(WIDTH, HEIGHT))
    (dev,) = of(look(Phoenix2014(root)), "gaps", "dev")
    assert dev.severity == "warning"
    assert dev.values["right_hand"] == pytest.approx(7 / 8)


def test_clips_that_never_show_both_shoulders_are_named(make_tiny: Callable[..., Path]) -> None:
    root = make_tiny()
    keypoints = clip_keypoints(8)
    keypoints[::2, 5] = 0
    keypoints[1::2, 6] = 0
    path = root / "keypoints" / "dev.safetensors"
    write_keypoints(path, {"tuesday-0": keypoints}, layout=STORED, size=(WIDTH, HEIGHT))
    findings = look(Phoenix2014(root))
    (dev,) = of(findings, "shoulders", "dev")
    assert (dev.severity, dev.clips) == ("warning", ("tuesday-0",))
    assert not of(findings, "shoulders", "train")


def test_missing_frames_and_keypoints_are_listed_and_do_not_hide_the_rest(make_tiny: Callable[..., Path]) -> None:
    root = make_tiny()
    shutil.rmtree(root / FRAMES / "train" / "monday-0")
    next((root / FRAMES / "train" / "monday-2" / "1").iterdir()).unlink()
    findings = look(Phoenix2014(root))
    (frames,) = of(findings, "frames", "train")
    assert (frames.severity, frames.clips) == ("error", ("monday-0",))
    assert "frames of 1 clips cannot be read; the first: no frames of clip 'monday-0' at" in frames.message
    (keypoints,) = of(findings, "keypoints", "train")
    assert (keypoints.severity, keypoints.clips) == ("error", ("monday-2",))
    assert "clip 'monday-2' has 5 images and 6 frames of keypoints" in keypoints.message
    assert of(findings, "contents", "train")[0].values["frames"] == 14 + 5
    assert of(findings, "gaps", "train")


def test_a_first_frame_that_cannot_be_decoded_is_found(make_tiny: Callable[..., Path]) -> None:
    root = make_tiny()
    write_png(torch.zeros(3, 5, 5, dtype=torch.uint8), min((root / FRAMES / "dev" / "tuesday-0" / "1").iterdir()))
    findings = look(Phoenix2014(root))
    (dev,) = of(findings, "decoding", "dev")
    assert dev.severity == "error"
    assert "have 5x5 pixels" in dev.message
    assert not of(look(Phoenix2014(root), streams=["pose"]), "decoding", "dev")


def test_glosses_outside_the_vocabulary_give_the_floor_of_the_word_error_rate(tiny: Phoenix2014) -> None:
    findings = look(tiny, vocabulary=tiny.vocabulary())
    for split, gloss in (("dev", "SCHNEE"), ("test", "HAGEL")):
        (finding,) = of(findings, "vocabulary", split)
        assert finding.severity == "warning"
        assert finding.values == {"tokens": 1, "kinds": 1, "share": 0.5}
        assert gloss in finding.message
        assert "no WER below 50.00% can be reached" in finding.message
    assert not of(findings, "vocabulary", "train")
    (train,) = of(look(tiny, vocabulary=Vocabulary(("SONNE", "REGEN"))), "vocabulary", "train")
    assert (train.severity, train.clips) == ("error", ("monday-1", "monday-2"))


def test_clips_too_short_for_their_glosses_are_found_with_the_shortest_plan(tiny: Phoenix2014) -> None:
    # monday-1: SONNE SONNE WIND needs 4 steps. Of 14 frames 7 steps are left, at a quarter of the speed 2.
    assert not of(look(tiny), "ctc", "train")
    findings = look(tiny, plan=TemporalPlan(speed=[0.25, 1.0]))
    (draws,) = of(findings, "ctc draws", "train")
    assert (draws.severity, draws.clips) == ("warning", ("monday-0", "monday-1"))
    assert "of 'monday-0' one gives 1 output steps and needs 2" in draws.message
    # Shown whole, no clip is too short.
    assert not [finding for finding in findings if finding.check == "ctc"]


def test_clips_too_short_when_shown_whole_are_an_error_in_training(tiny: Phoenix2014) -> None:
    findings = look(tiny, plan=TemporalPlan(stride=5))
    (train,), (dev,) = (of(findings, "ctc", split) for split in ("train", "dev"))
    assert (train.severity, train.clips) == ("error", ("monday-0", "monday-1"))
    assert "the first, 'monday-0', gives 1 output steps and needs 2" in train.message
    assert (dev.severity, dev.clips) == ("warning", ("tuesday-0",))
    assert not of(findings, "ctc draws", "train")


def test_only_the_splits_asked_for_are_opened(tiny: Phoenix2014) -> None:
    findings = look(tiny, splits=["train", "dev"])
    assert {finding.split for finding in findings} == {"train", "dev"}


def test_exclusions_are_mentioned_and_progress_is_told(tiny_root: Path) -> None:
    told: list[tuple[str, int, int]] = []
    corpus = Phoenix2014(tiny_root, exclude=["monday-0"])
    findings = look(corpus, splits=["train"], progress=lambda *what: told.append(what))
    (excluded,) = of(findings, "excluded", "train")
    assert (excluded.severity, excluded.clips) == ("info", ("monday-0",))
    assert told == [("keypoints of train", 1, 2), ("keypoints of train", 2, 2)]


@dataclass(frozen=True)
class ListedCorpus:
    """A corpus known by its published tables alone: ids, signers, numbers of frames, glosses."""

    tables: dict[str, list[Clip]]
    frames: dict[str, int]
    name: str = "Phoenix-2014 without its recordings"
    fps: float = 25.0
    frame_size: tuple[int, int] = (210, 260)
    layout: SkeletonLayout = field(default_factory=lambda: skeleton_layout("sign-27"))
    excluded: tuple[Exclusion, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> ListedCorpus:
        tables: dict[str, list[Clip]] = {}
        frames: dict[str, int] = {}
        for split in SPLITS:
            rows = [row.split("\t") for row in (folder / f"{split}.tsv").read_text().splitlines()[1:]]
            tables[split] = [Clip(row[0], split, row[1], tuple(row[3].split())) for row in rows]
            frames.update({row[0]: int(row[2]) for row in rows})
        return cls(tables, frames)

    def clips(self, split: str) -> list[Clip]:
        return self.tables[split]

    def num_frames(self, clip: Clip) -> int:
        return self.frames[clip.id]

    def rgb(self, clip: Clip, frames: Tensor) -> Tensor:
        raise AssertionError("nothing to show")

    def pose(self, clip: Clip, frames: Tensor) -> Tensor:
        raise AssertionError("nothing to show")

    def vocabulary(self, over: str = "train") -> Vocabulary:
        return gather_vocabulary(self, over)

    def fingerprint(self, clip: Clip, stream: str = "rgb") -> str:
        raise AssertionError("nothing to show")


@pytest.mark.shared
def test_the_real_corpus_has_its_known_floor_and_no_clip_too_short(shared_data: Path) -> None:
    corpus = ListedCorpus.read(shared_data / "phoenix2014")
    plan = TemporalPlan(speed=[0.8, 1.2], min_frames=32, max_frames=230)
    findings = inspect(corpus, corpus.vocabulary(), lambda lengths: -(-lengths // 4), plan=plan, streams=[])
    train, dev, test = (of(findings, "contents", split)[0].values for split in SPLITS)
    assert (train["clips"], dev["clips"], test["clips"]) == (5671, 540, 629)
    assert (dev["glosses"], test["glosses"]) == (5540, 6504)
    assert train["signers"] == 9
    assert sum(values["frames"] for values in (train, dev, test)) == 963_648
    floors = {split: of(findings, "vocabulary", split)[0].values for split in ("dev", "test")}
    assert floors["dev"] == pytest.approx({"tokens": 38, "kinds": 29, "share": 38 / 5540})
    assert floors["test"] == pytest.approx({"tokens": 45, "kinds": 41, "share": 45 / 6504})
    assert not [finding for finding in findings if finding.check == "ctc"]
    # One clip can be drawn too short by the speeds everybody uses; others skip such a batch without a word.
    (draws,) = of(findings, "ctc draws", "train")
    assert draws.clips == ("21June_2011_Tuesday_tagesschau_default-3",)
    tight = inspect(corpus, corpus.vocabulary(), lambda lengths: -(-lengths // 8), streams=[])
    (short,) = of(tight, "ctc", "train")
    expected = [
        clip.id for clip in corpus.clips("train") if -(-corpus.num_frames(clip) // 8) < required_steps(clip.glosses)
    ]
    assert list(short.clips) == expected
    assert len(expected) > 0
