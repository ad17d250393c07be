"""Corpora of recorded joints without video: keypoints in memory, frames drawn from them when asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from slr.data.corpus import SPLITS, Clip, Exclusion, check_split, check_stream, gather_vocabulary
from slr.data.drawing import Strokes, draw_joints
from slr.skeleton import SkeletonLayout
from slr.vocabulary import Vocabulary

_DRAWING = 1  # raised when the same joints are drawn otherwise


@dataclass(frozen=True)
class Part:
    """Frames ``start`` to ``end`` (exclusive) of a clip in which a gloss is signed."""

    gloss: str
    start: int
    end: int


@dataclass(frozen=True)
class Track:
    """One recording: its clip, the joints ``[T, J, C]`` in pixels of the drawn frame, and where its glosses lie."""

    clip: Clip
    joints: Tensor
    parts: tuple[Part, ...]


class TrackCorpus:
    """Recordings that are joints alone.

    Args:
        name: printed beside every result; it has to say that frames are rendered.
        fps: frames per second.
        frame_size: width and height in pixels of the drawn frames, in which the joints count.
        stored: the joints of the tracks.
        layout: the joints to deliver.
        tracks: all recordings of all splits, each once.
        strokes: how frames are drawn; always with all ``stored`` joints.

    Raises:
        ValueError: when the layout has joints that are not recorded, or a split has no clip.
    """

    excluded: tuple[Exclusion, ...] = ()

    def __init__(
        self,
        *,
        name: str,
        fps: float,
        frame_size: tuple[int, int],
        stored: SkeletonLayout,
        layout: SkeletonLayout,
        tracks: Iterable[Track],
        strokes: Strokes,
    ) -> None:
        self.name = name
        self.fps = fps
        self.frame_size = frame_size
        self.stored = stored
        self.layout = layout
        self.strokes = strokes
        self._selection = layout.selection_from(stored)
        self._tracks = {track.clip.id: track for track in tracks}
        self._by_split: Mapping[str, list[Clip]] = {
            split: [track.clip for track in self._tracks.values() if track.clip.split == split] for split in SPLITS
        }
        empty = [split for split, clips in self._by_split.items() if not clips]
        if empty:
            raise ValueError(f"{name} has no clip in {' and '.join(empty)}: is the corpus complete?")

    def with_tracks(self, tracks: Iterable[Track], remark: str) -> TrackCorpus:
        """The corpus with further recordings; ``remark`` is added to its name and says what they are."""
        return TrackCorpus(
            name=f"{self.name}, {remark}",
            fps=self.fps,
            frame_size=self.frame_size,
            stored=self.stored,
            layout=self.layout,
            tracks=[*self._tracks.values(), *tracks],
            strokes=self.strokes,
        )

    def clips(self, split: str) -> list[Clip]:
        """The clips of a split."""
        check_split(split)
        return list(self._by_split[split])

    def tracks(self, split: str) -> list[Track]:
        """The recordings of a split, in the order of its clips."""
        return [self._tracks[clip.id] for clip in self.clips(split)]

    def num_frames(self, clip: Clip) -> int:
        """Recorded frames."""
        return len(self._tracks[clip.id].joints)

    def rgb(self, clip: Clip, frames: Tensor) -> Tensor:
        """Frames ``[T, 3, H, W]`` uint8 drawn from the recorded joints; one asked for twice is drawn once."""
        wanted, places = frames.unique(return_inverse=True)
        drawn = draw_joints(self._tracks[clip.id].joints[wanted], self.stored, self.frame_size, self.strokes)
        return drawn[places]

    def pose(self, clip: Clip, frames: Tensor) -> Tensor:
        """Joints ``[T, J, C]`` in :attr:`layout`, in pixels of :attr:`frame_size`."""
        return self._tracks[clip.id].joints[frames][:, self._selection]

    def vocabulary(self, over: str = "train") -> Vocabulary:
        """Glosses of training, or of all splits."""
        return gather_vocabulary(self, over)

    def fingerprint(self, clip: Clip, stream: str = "rgb") -> str:
        """Of the recorded joints, which decide the drawn frames, too, together with how these are drawn."""
        check_stream(stream)
        track = self._tracks[clip.id]
        if stream == "rgb":
            shown, how = track.joints, f"drawn {_DRAWING} {self.frame_size} {self.strokes} {self.stored.to_dict()}"
        else:
            shown, how = self.pose(clip, torch.arange(len(track.joints))), ""
        digest = hashlib.sha256(f"{stream} {clip.id} {how}".encode())
        digest.update(shown.contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]
