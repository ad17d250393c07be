"""The Kinetics skeletons of ST-GCN (Yan et al., AAAI 2018): OpenPose on Kinetics-400, one JSON file per clip.

``kinetics_PART/ID.json`` holds ``data``, frames with a ``frame_index`` from 1 up and a list ``skeleton`` of bodies,
each with ``pose`` (18 times x, y, shares of the frame) and ``score`` (18); ``kinetics_PART_label.json`` says of every
id its ``label_index``, its ``label`` and whether it ``has_skeleton``. ``PART`` is ``train`` or ``val``; the latter is
the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slr.data.isolated.spec import ClipRow, PartsOfSplits, StoreSpec

_PARTS = {"train": "train", "val": "test"}
JOINTS = 18


class Kinetics:
    """The clips of a folder with both parts; those without a skeleton are left out.

    Of the bodies of a frame those with the highest sum of scores are kept, the best first, and a body keeps its place
    from frame to frame no better than the scores do. A joint with the score 0 is missing.

    Args:
        source: the folder that holds ``kinetics_train`` and ``kinetics_val``.
        persons: bodies to keep of a frame.

    Raises:
        ValueError: when a list is missing or names clips that there is no file of.
    """

    def __init__(self, source: Path | str, *, persons: int = 2) -> None:
        self.source = Path(source)
        self._clips = [clip for part in _PARTS for clip in self._listed(part)]
        names: dict[int, str] = {}
        for _, _, told in self._clips:
            names.setdefault(told["label_index"], str(told.get("label", told["label_index"])))
        if not names:
            raise ValueError(f"no clip of {self.source} has a skeleton")
        self.spec = StoreSpec(
            name="Kinetics-skeleton",
            layout="openpose-18",
            channels=("x", "y", "score"),
            classes=tuple(names.get(label, str(label)) for label in range(max(names) + 1)),
            units="frame",
            persons=persons,
            fps=30.0,
            frame_size=(1, 1),
            source=f"OpenPose skeletons of Kinetics-400, the {persons} with the highest scores of every frame",
        )

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._clips)

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        """Every clip, with keypoints ``[T, P, 18, 3]``.

        Raises:
            ValueError: when a file is not as described above.
        """
        for part, clip, told in self._clips:
            path = self.source / f"kinetics_{part}" / f"{clip}.json"
            content = _json(path)
            try:
                keypoints = _bodies(content["data"], self.spec.persons)
            except (KeyError, TypeError, ValueError, IndexError) as fault:
                raise ValueError(f"{path} is no skeleton file of Kinetics ({type(fault).__name__}: {fault})") from fault
            yield ClipRow(clip, told["label_index"]), keypoints

    def splits(self, rows: Sequence[ClipRow]) -> PartsOfSplits:
        """``official``."""
        return {
            "official": {name: [clip for part, clip, _ in self._clips if part == own] for own, name in _PARTS.items()}
        }

    def _listed(self, part: str) -> list[tuple[str, str, Mapping[str, Any]]]:
        path = self.source / f"kinetics_{part}_label.json"
        told = _json(path)
        if not isinstance(told, Mapping) or not all(
            isinstance(one, Mapping) and type(one.get("label_index")) is int for one in told.values()
        ):
            raise ValueError(f"{path} should map the id of every clip to its label_index")
        clips = [(part, clip, one) for clip, one in told.items() if one.get("has_skeleton", True)]
        there = {file.stem for file in (self.source / f"kinetics_{part}").glob("*.json")}
        missing = [clip for _, clip, _ in clips if clip not in there]
        if missing:
            raise ValueError(
                f"{path} names {len(missing)} clips that kinetics_{part} lacks, {missing[0]!r} among them: complete "
                "it, or take them out of the list"
            )
        return clips


def _bodies(frames: Sequence[Mapping[str, Any]], persons: int) -> np.ndarray:
    if not frames:
        raise ValueError("it has no frame")
    count = max(frame["frame_index"] for frame in frames)
    if not min(frame["frame_index"] for frame in frames) >= 1 or count > 100_000:
        raise ValueError(f"frame_index should run from 1 to the number of frames, it reaches {count}")
    clip = np.zeros((count, persons, JOINTS, 3))
    for frame in frames:
        bodies = []
        for body in frame["skeleton"]:
            made = np.zeros((JOINTS, 3))
            made[:, :2] = np.asarray(body["pose"], dtype=np.float64).reshape(JOINTS, 2)
            made[:, 2] = np.asarray(body["score"], dtype=np.float64).reshape(JOINTS)
            made[made[:, 2] == 0] = 0
            bodies.append(made)
        bodies.sort(key=lambda body: -body[:, 2].sum())
        for place, body in enumerate(bodies[:persons]):
            clip[frame["frame_index"] - 1, place] = body
    return clip


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist: name the folder of kinetics_train and kinetics_val") from None
    except ValueError as fault:
        raise ValueError(f"{path} is no JSON ({fault}): take another copy of it") from fault
