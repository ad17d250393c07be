"""The data files of DSTA-SLR (Hu et al., 2024) and of SAM-SLR before it: 27 whole-body keypoints of isolated signs.

``PART_data_joint.npy`` holds float32 ``[N, 3, T, 27, 1]``, x and y in pixels and a score, ``PART_label.pkl`` the pair
of the names and the labels; ``PART`` is ``train``, ``val`` or ``test``. Shorter videos are filled up to ``T`` (150)
frames by repeating them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from slr.data.isolated.mapped import MappedRows
from slr.data.isolated.spec import ClipRow, PartsOfSplits, StoreSpec
from slr.plain_pickle import read_plain_pickle

# Classes of the sets that were published in this form.
SETS = {
    "wlasl100": 100, "wlasl300": 300, "wlasl1000": 1000, "wlasl2000": 2000,
    "msasl100": 100, "msasl200": 200, "msasl500": 500, "msasl1000": 1000,
    "slr500": 500, "nmfs-csl": 1067, "autsl": 226,
}  # fmt: skip
_TITLES = {"wlasl": "WLASL", "msasl": "MSASL", "slr": "SLR", "nmfs-csl": "NMFs-CSL", "autsl": "AUTSL"}
_PARTS = ("train", "val", "test")


class DSTA:
    """The clips of a folder of such files, read one by one.

    Where there are no ``test`` files, ``val`` is the test, as in the figures that are published.

    Args:
        source: the folder.
        name: one of :data:`SETS`, or what you call a set of your own.
        classes: names of the classes; their numbers when left out.

    Raises:
        ValueError: when files are missing, are not such files, want to run code, or have labels that the set has not.
    """

    def __init__(self, source: Path | str, name: str, *, classes: Sequence[str] = ()) -> None:
        self.source = Path(source)
        self._parts = {part: _Part(self.source, part) for part in _PARTS if _data_file(self.source, part).is_file()}
        if "train" not in self._parts:
            raise ValueError(
                f"there is no {_data_file(self.source, 'train')}: name the folder of the *_data_joint.npy files"
            )
        most = max(max(part.labels, default=-1) for part in self._parts.values())
        count = SETS.get(name, max(most + 1, 1))
        if most >= count:
            raise ValueError(
                f"{self.source} has label {most}, and {name} has classes 0 to {count - 1}: it is another set"
            )
        if classes and len(classes) != count:
            raise ValueError(f"{len(classes)} names for the {count} classes of {name}: one each is needed")
        self.spec = StoreSpec(
            name=_title(name),
            layout="sign-27",
            channels=("x", "y", "score"),
            classes=tuple(classes) or tuple(str(label) for label in range(count)),
            units="pixels",
            frame_size=(512, 512),
            source="keypoints of HRNet-w48 in the files of DSTA-SLR and SAM-SLR, short clips repeated",
        )

    def __len__(self) -> int:
        """Number of clips."""
        return sum(len(part.labels) for part in self._parts.values())

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        """Every clip, with keypoints ``[T, 1, 27, 3]``; what is not finite is left to the store."""
        for part in self._parts.values():
            for number, label in enumerate(part.labels):
                yield ClipRow(part.ids[number], label), part.rows.read(number, number + 1)[0].transpose(1, 3, 2, 0)

    def splits(self, rows: Sequence[ClipRow]) -> PartsOfSplits:
        """``official``."""
        val = "dev" if "test" in self._parts else "test"
        return {"official": {val if name == "val" else name: part.ids for name, part in self._parts.items()}}


class _Part:
    """Data and labels of one part."""

    def __init__(self, folder: Path, part: str) -> None:
        data, told = _data_file(folder, part), folder / f"{part}_label.pkl"
        names, labels = self._read_labels(told)
        try:
            self.rows = MappedRows(data)
        except (OSError, ValueError, EOFError) as fault:
            raise ValueError(f"{data} cannot be read ({fault}): take another copy of it") from fault
        if len(self.rows.shape) != 5 or (self.rows.shape[1], *self.rows.shape[3:]) != (3, 27, 1):
            raise ValueError(f"{data} has shape {list(self.rows.shape)}, it should be [clips, 3, frames, 27, 1]")
        if len(labels) != self.rows.shape[0]:
            raise ValueError(
                f"{data} has {self.rows.shape[0]} clips and {told} {len(labels)} labels: they do not belong together"
            )
        self.ids, self.labels = names, labels

    def _read_labels(self, path: Path) -> tuple[list[str], list[int]]:
        content = read_plain_pickle(path, "names and labels", arrays=True)
        try:
            names, labels = content
            told = [str(name) for name in names], [int(label) for label in labels]
        except (TypeError, ValueError) as fault:
            raise ValueError(f"{path} should hold a list of names and a list of labels ({fault})") from fault
        if len(told[0]) != len(told[1]) or min(told[1], default=0) < 0:
            raise ValueError(f"{path} has {len(told[0])} names and {len(told[1])} labels, it needs as many, from 0 up")
        return told


def _data_file(folder: Path, part: str) -> Path:
    return folder / f"{part}_data_joint.npy"


def _title(name: str) -> str:
    letters = name.rstrip("0123456789")
    return f"{_TITLES[letters]}{name[len(letters) :]}" if name in SETS else name
