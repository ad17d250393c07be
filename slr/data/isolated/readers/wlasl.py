"""WLASL (Li et al., WACV 2020) by its annotations ``nslt_100.json`` to ``nslt_2000.json``, over a folder of keypoints.

The annotations map the number of every video to its ``subset`` (train, val, test) and its ``action``: class, first and
last frame, counted from 1; a last frame of -1, or behind the end, means the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slr.data.isolated.readers.clip_files import ENDINGS, read_clip
from slr.data.isolated.spec import ClipRow, PartsOfSplits, StoreSpec

_PARTS = {"train": "train", "val": "dev", "test": "test"}


class WLASL:
    """The clips of an annotation file of which there are keypoints.

    Args:
        annotations: ``nslt_N.json``.
        folder: keypoints of the videos, one file each, called by its number; of any kind that
            :func:`~slr.data.isolated.readers.clip_files.read_clip` reads.
        classes: names of the classes, of which the first ``N`` are used; their numbers when left out.
        layout: joints to keep.
        channels: of these joints.
        units: of their coordinates.
        complete: refuse a folder that lacks videos. Many of the originals can no longer be had: without it, what is
            there is taken.

    Raises:
        ValueError: when the annotations are no such file, or keypoints are missing.
    """

    def __init__(
        self,
        annotations: Path | str,
        folder: Path | str,
        *,
        classes: Sequence[str] = (),
        layout: str = "sign-27",
        channels: tuple[str, ...] = ("x", "y", "score"),
        units: str = "pixels",
        complete: bool = True,
    ) -> None:
        self.source, self.folder = Path(annotations), Path(folder)
        told = _read(self.source)
        count = max(one["action"][0] for one in told.values()) + 1
        if classes and len(classes) < count:
            raise ValueError(
                f"{self.source} has {count} classes and {len(classes)} names are given: one each is needed"
            )
        files = {path.stem: path for path in self.folder.glob("*") if path.suffix in ENDINGS}
        missing = [video for video in told if video not in files]
        if len(missing) == len(told) or (missing and complete):
            raise ValueError(
                f"{self.source} names {len(told)} videos, and {self.folder} has keypoints of "
                f"{len(told) - len(missing)} of them; {missing[0]} is missing"
                + ("" if len(missing) == len(told) else ": --incomplete takes what there is")
            )
        self._told = {video: one for video, one in told.items() if video in files}
        self._files = files
        self.left_out = tuple(missing)
        self.spec = StoreSpec(
            name=f"WLASL{count}",
            layout=layout,
            channels=channels,
            classes=tuple(classes)[:count] or tuple(str(label) for label in range(count)),
            units=units,
            fps=25.0,
            source=f"{self.source.name} over keypoints of {len(self._told)} of its {len(told)} videos",
        )

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._told)

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        """Every clip, cut to the frames that show its sign.

        Raises:
            ValueError: when a file cannot be read, or begins behind its end.
        """
        for video, one in self._told.items():
            label, first, last = one["action"]
            clip = read_clip(self._files[video], self.spec.skeleton, self.spec.channels)
            shown = clip[max(first - 1, 0) : len(clip) if last < 0 else last]
            if len(shown) == 0:
                raise ValueError(
                    f"video {video} shows its sign from frame {first} on, and {self._files[video]} has {len(clip)} "
                    "frames"
                )
            yield ClipRow(video, label), shown

    def splits(self, rows: Sequence[ClipRow]) -> PartsOfSplits:
        """``official``, with a dev part of its own."""
        return {
            "official": {
                part: [video for video, one in self._told.items() if one["subset"] == subset]
                for subset, part in _PARTS.items()
            }
        }


def _read(path: Path) -> Mapping[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError) as fault:
        raise ValueError(f"{path} cannot be read ({fault}): name a file such as nslt_100.json") from fault
    if not isinstance(told, Mapping) or not told:
        raise ValueError(f"{path} should map the numbers of videos to subset and action")
    for video, one in told.items():
        action = one.get("action") if isinstance(one, Mapping) else None
        sound = isinstance(action, list) and len(action) == 3 and all(type(number) is int for number in action)
        if not sound or one["action"][0] < 0 or one.get("subset") not in _PARTS:
            raise ValueError(
                f"video {video} of {path} is {one}: it needs a subset of train, val or test and an action of class, "
                "first and last frame"
            )
    return told
