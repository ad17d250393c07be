"""The annotation pickles of pyskl (Duan et al., 2022): skeletons of action data sets in two or three dimensions.

A dict with ``split`` (name -> ids of clips) and ``annotations``, one dict per clip: ``frame_dir`` (its id; older files
say ``filename``), ``label``, ``keypoint`` ``[M, T, V, 2 or 3]``, and in two dimensions ``keypoint_score`` ``[M, T, V]``
and ``img_shape`` (height, width).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slr.data.isolated.readers.ntu import NTUName
from slr.data.isolated.spec import ClipRow, PartsOfSplits, StoreSpec
from slr.plain_pickle import read_plain_pickle

_PART = re.compile(r"(?P<name>.*?)_?(?P<part>train|val|test)(?P<fold>\d*)")
_NAMES = {"xsub": "x-sub", "xview": "x-view", "xset": "x-set", "": "official"}
# Joints of the files that pyskl publishes, by their number and dimensions.
_LAYOUTS = {(25, 3): "ntu-25", (17, 2): "coco-17", (18, 2): "openpose-18"}


class Pyskl:
    """The clips of such a file; it is held in memory as a whole, as a pickle has to be.

    Keypoints in two dimensions are pixels where all clips have one frame size, and else shares of their frames. A clip
    with more bodies than ``persons`` keeps the first ones. Where a split has no test, its ``val`` is the test, as in
    the figures that are published.

    Args:
        source: the ``.pkl`` file.
        persons: bodies to keep.
        layout: the joints; by their number when left out.
        classes: names of the classes; their numbers when left out.
        name: of the corpus; that of the file when left out.

    Raises:
        ValueError: when it is missing, no such file, or wants to run code.
    """

    def __init__(
        self,
        source: Path | str,
        *,
        persons: int = 2,
        layout: str | None = None,
        classes: Sequence[str] = (),
        name: str | None = None,
    ) -> None:
        self.source = Path(source)
        content = read_plain_pickle(self.source, "annotations of pyskl", arrays=True)
        if not isinstance(content, Mapping) or not {"split", "annotations"} <= set(content):
            raise ValueError(f"{self.source} holds no annotations of pyskl: it needs a dict with split and annotations")
        self._annotations: list[Mapping[str, Any]] = list(content["annotations"])
        if not self._annotations:
            raise ValueError(f"{self.source} annotates no clip")
        self._split: Mapping[str, Sequence[str]] = content["split"]
        if not isinstance(self._split, Mapping):
            raise ValueError(f"{self.source} has no mapping of the names of parts to the ids of their clips as split")
        first = self._keypoints(0)
        joints, dimensions = first.shape[2:]
        flat = dimensions == 2
        sizes = {self._size(number) for number in range(len(self))} if flat else set()
        self._shares = len(sizes) > 1
        labels = [self._label(number) for number in range(len(self))]
        self.spec = StoreSpec(
            name=name or self.source.stem,
            layout=layout or self._known_layout(joints, dimensions),
            channels=("x", "y", "score") if flat else ("x", "y", "z"),
            classes=tuple(classes) or tuple(str(label) for label in range(max(labels) + 1)),
            units="metres" if not flat else "frame" if self._shares else "pixels",
            persons=persons,
            frame_size=((1, 1) if self._shares else sizes.pop()) if flat else None,
            source=f"annotations of pyskl, {self.source.name}",
        )

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._annotations)

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        """Every clip, with keypoints ``[T, P, V, 3]``.

        Raises:
            ValueError: when an annotation is not as described above.
        """
        people, joints, channels = self.spec.shape
        for number in range(len(self)):
            keypoints = self._keypoints(number)
            bodies, frames = keypoints.shape[:2]
            if keypoints.shape[2] != joints:
                raise ValueError(f"{self._where(number)} has {keypoints.shape[2]} joints, and the first clip {joints}")
            clip = np.zeros((frames, people, joints, channels))
            kept = min(bodies, people)
            clip[:, :kept, :, : keypoints.shape[3]] = keypoints[:kept].swapaxes(0, 1)
            if channels == 3 and keypoints.shape[3] == 2:
                if self._shares:
                    clip[..., :2] /= self._size(number)
                clip[:, :kept, :, 2] = self._scores(number, keypoints.shape[:3])[:kept].swapaxes(0, 1)
            yield self._row(number), clip

    def splits(self, rows: Sequence[ClipRow]) -> PartsOfSplits:
        """Those of the file: ``xsub_train`` and ``xsub_val`` are parts of ``x-sub``, ``train1`` and ``test1`` of ``1``.

        Raises:
            ValueError: when the name of a part says neither train nor val nor test.
        """
        grouped: dict[str, dict[str, Sequence[str]]] = {}
        for name, ids in self._split.items():
            found = _PART.fullmatch(name)
            if found is None:
                raise ValueError(f"{self.source} has a split {name!r}: its name should end in train, val or test")
            group = f"{found['name']}{found['fold']}"
            grouped.setdefault(_NAMES.get(group, group), {})[found["part"]] = list(ids)
        parts: dict[str, dict[str, Sequence[str]]] = {}
        for name, members in grouped.items():
            val = "dev" if "test" in members else "test"
            parts[name] = {{"val": val}.get(part, part): ids for part, ids in members.items()}
        return parts

    def _row(self, number: int) -> ClipRow:
        """Clips of NTU RGB+D say in their names who is seen, and from where."""
        name, label = self._id(number), self._label(number)
        told = NTUName.parse(name)
        return ClipRow(name, label) if told is None else told.row(name, label)

    def _label(self, number: int) -> int:
        annotation = self._annotations[number]
        try:
            return int(annotation["label"])
        except (KeyError, TypeError, ValueError, IndexError) as fault:
            raise ValueError(f"annotation {number} of {self.source} has no label that is a whole number") from fault

    def _id(self, number: int) -> str:
        annotation = self._annotations[number]
        return str(annotation.get("frame_dir", annotation.get("filename", "")))

    def _where(self, number: int) -> str:
        return f"clip {self._id(number)!r} of {self.source}"

    def _keypoints(self, number: int) -> np.ndarray:
        annotation = self._annotations[number]
        if not isinstance(annotation, Mapping):
            raise ValueError(f"annotation {number} of {self.source} is no mapping of what is known about a clip")
        if "keypoint" not in annotation:
            elsewhere = ": they lie in files of their own (raw_file), bring those together first"
            raise ValueError(f"{self._where(number)} has no keypoints{elsewhere if 'raw_file' in annotation else ''}")
        keypoints = np.asarray(annotation["keypoint"])
        if keypoints.ndim != 4 or keypoints.shape[-1] not in (2, 3) or keypoints.dtype.kind not in "fiu":
            raise ValueError(
                f"{self._where(number)} has keypoints of shape {list(keypoints.shape)}, they should be numbers "
                "[persons, frames, joints, 2 or 3]"
            )
        return keypoints

    def _scores(self, number: int, shape: tuple[int, ...]) -> np.ndarray:
        scores = np.asarray(self._annotations[number].get("keypoint_score", np.ones(shape)))
        if scores.shape != shape:
            raise ValueError(f"{self._where(number)} has scores {list(scores.shape)} for keypoints {list(shape)}")
        return scores

    def _size(self, number: int) -> tuple[int, int]:
        shape = self._annotations[number].get("img_shape")
        if shape is None or len(shape) != 2:
            raise ValueError(f"{self._where(number)} does not say how large its frames are (img_shape)")
        return int(shape[1]), int(shape[0])

    def _known_layout(self, joints: int, dimensions: int) -> str:
        if (joints, dimensions) not in _LAYOUTS:
            raise ValueError(
                f"{self.source} has {joints} joints in {dimensions} dimensions, and no layout is known for that: name "
                "one with --layout"
            )
        return _LAYOUTS[joints, dimensions]
