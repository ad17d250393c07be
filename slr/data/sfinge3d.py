"""SFINGE3D (Caputo et al., Computers & Graphics 2020): continuous hand gestures, recorded in three dimensions.

Gestures, not signs. A Leap Motion tracked 20 joints of one hand, 20 times a second: 72 sequences with 3 to 5 gestures
each among other movements, and 468 recordings of one gesture each.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from slr.data.corpus import Clip
from slr.data.drawing import Strokes
from slr.data.sfinge3d_folder import Joints, read_gestures, read_sequences, read_truth
from slr.data.tracks import Part, Track, TrackCorpus
from slr.skeleton import SkeletonLayout, skeleton_layout

FPS = 20.0
FRAME_SIZE = (112, 112)
_STORED = "leap-hand-20"
_PIXELS = 180.0  # per metre of a drawn frame, which shows 62 cm
_PITCH = np.radians(45)  # of the camera, which looks down along the fingers, as the one who gestures does
_STROKES = Strokes(radius=1.5, bone=2.5, depth=12.0)


class Sfinge3D(TrackCorpus):
    """SFINGE3D as a corpus: the sequences, and the isolated gestures to train on.

    There are no official splits. Counted from 0, test are the sequences whose index is a multiple of 3 (24 of 72, 86
    gestures: the published numbers 1, 4, ..., 70), and dev are those with a remainder of 5 on division by 6 (12, 51
    gestures: the numbers 6, 12, ..., 72), held out of training by this rule and not by chance. The other 36 are
    training, and with ``isolated`` so are the 468 isolated gestures, a clip of one gloss each. Who gestures is not
    known.

    ``root`` holds ``sequencesGT.csv`` and either ``sequences.npz`` and ``dictionary.npz`` or the published folders
    ``Sequences`` and ``Dictionary``, see :mod:`slr.data.sfinge3d_folder`.

    The joints are ``[T, 20, 4]``: x and y in pixels of a drawn frame, z in the same unit towards the camera, and
    confidence 1. The camera is orthographic, aimed at the median place of the palm in the recording, and looks down at
    45 degrees: a rotation and a scale, by which nothing is lost.

    Args:
        root: the folder of the release.
        layout: joints to deliver, out of ``leap-hand-20``.
        isolated: whether training has the isolated gestures, too.

    Raises:
        ValueError: when a file is missing, damaged or does not fit the others; it is named.
    """

    def __init__(self, root: Path | str, *, layout: str | SkeletonLayout = _STORED, isolated: bool = True) -> None:
        root = Path(root)
        sequences = read_sequences(root)
        truth = read_truth(root / "sequencesGT.csv", {number: len(joints) for number, joints in sequences.items()})
        tracks = [_track(f"sequence-{number:02d}", split_of(number), joints, truth[number])
                  for number, joints in sequences.items()]  # fmt: skip
        if isolated:
            tracks += [
                _track(f"gesture-{gloss.lower()}-{number:02d}", "train", joints, [Part(gloss, 0, len(joints))])
                for (gloss, number), joints in read_gestures(root).items()
            ]
        more = " and isolated gestures" if isolated else ""
        super().__init__(
            name=f"SFINGE3D (recorded 3-D hand gesture sequences{more}, rendered frames)",
            fps=FPS,
            frame_size=FRAME_SIZE,
            stored=skeleton_layout(_STORED),
            layout=skeleton_layout(layout),
            tracks=tracks,
            strokes=_STROKES,
        )


def split_of(sequence: int) -> str:
    """The split of a sequence by its published number, from 1: see :class:`Sfinge3D`."""
    index = sequence - 1
    if index % 3 == 0:
        return "test"
    return "dev" if index % 6 == 5 else "train"


def _track(name: str, split: str, joints: Joints, parts: Sequence[Part]) -> Track:
    clip = Clip(f"sfinge3d-{name}", split, "unknown", tuple(part.gloss for part in parts), name)
    return Track(clip, photographed(joints), tuple(parts))


def photographed(joints: Joints) -> Tensor:
    """Joints ``[T, 20, 3]`` in metres, y up and z away from the body, as the camera sees them: ``[T, 20, 4]``."""
    around = joints.astype(np.float64) - np.median(joints[:, 0].astype(np.float64), axis=0)
    cos, sin = np.cos(_PITCH), np.sin(_PITCH)
    x, y, z = np.moveaxis(around, -1, 0)
    seen = np.stack([x, -(cos * y + sin * z), sin * y - cos * z], axis=-1) * _PIXELS  # right, down, nearer
    seen[..., :2] += (np.array(FRAME_SIZE) - 1) / 2
    places = torch.from_numpy(seen.astype(np.float32))
    return torch.cat([places, torch.ones(*places.shape[:2], 1)], dim=-1)
