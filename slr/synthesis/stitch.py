"""Real isolated signs joined into sentences, and frames rendered from the recorded points.

The motion is real, the pixels are rendered, and minimum-jerk bridges lead from clip to clip: every result on such a
corpus must say so, and the name of the corpus does. Train, dev and test are made from disjoint clips. A rendered
frame holds nothing that was not in the recorded points, so this corpus shows that the pipeline works on real motion;
it is no evidence about video.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slr.synthesis.camera import Camera
from slr.synthesis.estimator import KEYPOINT_LEVELS, estimate_keypoints
from slr.synthesis.hand import unit
from slr.synthesis.motion import Motion, Segment, minimum_jerk
from slr.synthesis.phonology import Array
from slr.synthesis.recordings import ASPECT, RecordedClip, read_wlasl50
from slr.synthesis.sentences import SPLITS, Sentence
from slr.synthesis.signers import Signer, make_signers

_HELD_OUT = {"dev": 0.15, "test": 0.25}  # shares of the clips of a gloss, at least one clip each
FRAME_SIZE = (84, 104)  # pixels
_LOOKS = 6  # rendered looks: who signed a recorded clip is not known
_BRIDGE = 2.2  # frames per shoulder half-width between two clips


@dataclass(frozen=True)
class StitchSpec:
    """Everything that decides the bytes of a stitched corpus.

    ``source`` is the WLASL-50 keypoint file; ``sentences`` counts train, dev and test; ``length`` gives the fewest
    and the most signs of a sentence.

    Raises:
        ValueError: when a split would have no sentence, or the lengths are not two rising numbers from 1.
    """

    source: str
    seed: int = 0
    sentences: tuple[int, ...] = (300, 80, 160)
    length: tuple[int, ...] = (3, 6)

    def __post_init__(self) -> None:
        if len(self.sentences) != len(SPLITS) or min(self.sentences) < 1:
            raise ValueError(f"sentences are three counts of train, dev and test from 1 up, not {list(self.sentences)}")
        if len(self.length) != 2 or not 1 <= self.length[0] <= self.length[1]:
            raise ValueError(f"length is the fewest and the most signs of a sentence, not {list(self.length)}")

    @property
    def name(self) -> str:
        """How results must call this corpus."""
        return f"stitched WLASL-50 (real recorded keypoints, rendered frames, seed {self.seed})"

    @property
    def details(self) -> dict[str, Any]:
        """What decides the frames beside the recordings."""
        return {"frame_size": list(FRAME_SIZE), "aspect": ASPECT}

    @property
    def folder(self) -> str:
        """Name of its own folder below a root that it may share with other corpora."""
        return f"wlasl50-stitched-seed{self.seed}"

    def open(self) -> StitchedClips:
        """The clips themselves."""
        return StitchedClips(self, read_wlasl50(self.source))


@dataclass(frozen=True)
class _Joined:
    """Recorded clips with bridges between them: the arrays of :class:`RecordedClip` over the whole sentence."""

    nose: Array
    arms: Array
    hands: Array
    seen: NDArray[np.bool_]
    arm_seen: NDArray[np.bool_]
    segments: tuple[Segment, ...]


class StitchedClips:
    """All sentences of a stitched corpus, made on demand."""

    frame_size = FRAME_SIZE

    def __init__(self, spec: StitchSpec, recordings: list[RecordedClip]) -> None:
        self.spec = spec
        self._recordings = split_recordings(recordings, self._generator(1))
        self._looks = make_signers(_LOOKS, self._generator(2))
        self._choices: dict[tuple[str, int], list[RecordedClip]] = {}
        self.sentences = {split: self._write_sentences(split) for split in SPLITS}

    def _generator(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.spec.seed, *key])

    def _write_sentences(self, split: str) -> list[Sentence]:
        number = SPLITS.index(split)
        generator = self._generator(3, number)
        by_gloss = self._recordings[split]
        glosses = sorted(by_gloss)
        sentences = []
        for index in range(self.spec.sentences[number]):
            chosen: list[RecordedClip] = []
            for _ in range(int(generator.integers(self.spec.length[0], self.spec.length[1] + 1))):
                others = [gloss for gloss in glosses if not chosen or gloss != chosen[-1].gloss]
                clips = by_gloss[others[int(generator.integers(len(others)))]]
                chosen.append(clips[int(generator.integers(len(clips)))])
            self._choices[split, index] = chosen
            sentences.append(Sentence(f"stitched_{split}-{index:04d}", tuple(clip.gloss.upper() for clip in chosen)))
        return sentences

    def recordings_of(self, split: str, index: int) -> tuple[str, ...]:
        """Ids of the recorded clips that a sentence was made of."""
        return tuple(clip.id for clip in self._choices[split, index])

    def signer_of(self, split: str, index: int) -> str:
        """The rendered look of a clip; the people in the recordings are not known."""
        return self._look(split, index).name

    def _look(self, split: str, index: int) -> Signer:
        return self._looks[int(self._generator(4, SPLITS.index(split), index).integers(_LOOKS))]

    def motion(self, split: str, index: int) -> tuple[Motion, Signer, Camera]:
        """One sentence as a moving body, with its rendered look and the camera."""
        look = self._look(split, index)
        joined = join_recordings(self._choices[split, index])
        return embody(joined, look), look, Camera.for_signer(look, *self.frame_size)

    def keypoints(self, split: str, index: int, level: str) -> np.ndarray:
        """The recorded points in pixels, ``[T, 133, 3]``, disturbed further at a named level other than ``"none"``."""
        generator = self._generator(5, SPLITS.index(split), index)
        points = estimate_keypoints(*self.motion(split, index), KEYPOINT_LEVELS[level], generator)
        joined = join_recordings(self._choices[split, index])
        recorded = np.zeros(points.shape[:2], bool)
        recorded[:, 0] = True
        recorded[:, 5:11] = joined.arm_seen[:, ::-1].transpose(0, 2, 1).reshape(len(points), 6)
        recorded[:, 112:133] = joined.seen[:, :1]
        recorded[:, 91:112] = joined.seen[:, 1:]
        return np.where(recorded[..., None], points, 0.0).astype(np.float32)

    def describe(self) -> dict[str, Any]:
        """Which recorded clips went into which split."""
        return {
            split: {gloss.upper(): [clip.id for clip in clips] for gloss, clips in self._recordings[split].items()}
            for split in SPLITS
        }


def split_recordings(
    recordings: list[RecordedClip], generator: np.random.Generator
) -> dict[str, dict[str, list[RecordedClip]]]:
    """Deal the clips of every gloss to train, dev and test; no clip is in two splits.

    Raises:
        ValueError: when there are fewer than two glosses, or a gloss has fewer than three clips.
    """
    by_gloss: dict[str, list[RecordedClip]] = defaultdict(list)
    for clip in recordings:
        by_gloss[clip.gloss].append(clip)
    if len(by_gloss) < 2:
        raise ValueError(f"there are recordings of {len(by_gloss)} glosses: sentences, which repeat none, need two")
    splits: dict[str, dict[str, list[RecordedClip]]] = {split: {} for split in SPLITS}
    for gloss in sorted(by_gloss):
        clips = by_gloss[gloss]
        if len(clips) < len(SPLITS):
            raise ValueError(f"gloss {gloss!r} has {len(clips)} recorded clips: every split needs one of its own")
        order = [clips[index] for index in generator.permutation(len(clips))]
        for split, share in _HELD_OUT.items():
            count = max(1, round(share * len(clips)))
            splits[split][gloss], order = order[:count], order[count:]
        splits["train"][gloss] = order
    return splits


def join_recordings(clips: list[RecordedClip]) -> _Joined:
    """Put clips one after the other with minimum-jerk bridges of 4 to 10 frames between them."""
    pieces, segments, length = [clips[0]], [Segment(clips[0].gloss.upper(), 0, len(clips[0]))], len(clips[0])
    for clip in clips[1:]:
        bridge = _bridge(pieces[-1], clip)
        start = length + len(bridge)
        segments.append(Segment(clip.gloss.upper(), start, start + len(clip)))
        pieces += [bridge, clip]
        length = start + len(clip)

    return _Joined(
        nose=np.concatenate([piece.nose for piece in pieces]),
        arms=np.concatenate([piece.arms for piece in pieces]),
        hands=np.concatenate([piece.hands for piece in pieces]),
        seen=np.concatenate([piece.seen for piece in pieces]),
        arm_seen=np.concatenate([piece.arm_seen for piece in pieces]),
        segments=tuple(segments),
    )


def _bridge(before: RecordedClip, after: RecordedClip) -> RecordedClip:
    way = np.linalg.norm(after.hands[0, :, 9] - before.hands[-1, :, 9], axis=-1).max()
    frames = int(np.clip(round(2 + _BRIDGE * way), 4, 10))
    weight = minimum_jerk(frames)

    def between(start: Array, end: Array) -> Array:
        share = weight.reshape(-1, *([1] * start.ndim))
        return (1 - share) * start + share * end

    def both(start: NDArray[np.bool_], end: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.repeat((start & end)[None], frames, axis=0)

    return RecordedClip(
        "bridge",
        "",
        between(before.nose[-1], after.nose[0]),
        between(before.arms[-1], after.arms[0]),
        between(before.hands[-1], after.hands[0]),
        both(before.seen[-1], after.seen[0]),
        both(before.arm_seen[-1], after.arm_seen[0]),
    )


def embody(joined: _Joined, look: Signer) -> Motion:
    """Recorded points as a moving body that can be drawn."""
    frames = len(joined.nose)
    flat = np.zeros((frames, 2, 3, 1))
    head = np.concatenate([joined.nose - (0.0, 0.10 * look.head), np.zeros((frames, 1))], axis=1)
    across = joined.hands[:, :, 5] - joined.hands[:, :, 17]  # from the little finger's knuckle to the index finger's
    along = joined.hands[:, :, 9] - joined.hands[:, :, 0]
    palms = unit(np.cross(along, across)) * np.array([1.0, -1.0])[None, :, None]
    mouth = np.tile((0.05, 0.6), (frames, 1))
    arms = np.concatenate([joined.arms, flat], axis=-1)
    return Motion(joined.hands, palms, arms, head, mouth, joined.segments)
