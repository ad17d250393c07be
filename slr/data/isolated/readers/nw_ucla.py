"""Northwestern-UCLA Multiview Action 3D (Wang et al., CVPR 2014), in the JSON files that skeleton networks use.

One file per clip, ``aXX_sXX_eXX_vXX.json``, with ``skeletons`` ``[frames][20 joints][3]`` in metres: action, subject,
try and view. Views 1 and 2 train, view 3 tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from slr.data.isolated.readers.folder import files_of
from slr.data.isolated.spec import ClipRow, PartsOfSplits, StoreSpec

_NAME = re.compile(r"a(\d\d)_s(\d\d)_e(\d\d)_v(\d\d)\.json")
# The actions have no numbers 7 and 10.
_ACTIONS = {
    1: "pick up with one hand",
    2: "pick up with two hands",
    3: "drop trash",
    4: "walk around",
    5: "sit down",
    6: "stand up",
    8: "donning",
    9: "doffing",
    11: "throw",
    12: "carry",
}
_TRAIN, _TEST = 1020, 464


class NWUCLA:
    """The clips of a folder of these files, or of the archive ``all_sqe.tar.xz`` or ``.zip``.

    Args:
        source: the folder or the archive.
        complete: refuse anything but all 1484 clips.

    Raises:
        ValueError: when there is no such thing, or clips are missing.
    """

    spec = StoreSpec(
        name="NW-UCLA",
        layout="kinect-20",
        channels=("x", "y", "z"),
        classes=tuple(_ACTIONS.values()),
        units="metres",
        source="Kinect skeletons of Northwestern-UCLA, one JSON file per clip",
    )

    def __init__(self, source: Path | str, *, complete: bool = True) -> None:
        self.source = Path(source)
        names = [name for name, _ in files_of(self.source, _is_clip)]
        views = [_numbers(name)[3] for name in names]
        self._count = len(names)
        train, test = sum(view in (1, 2) for view in views), views.count(3)
        if not names or (complete and (train, test) != (_TRAIN, _TEST)):
            raise ValueError(
                f"{self.source} holds {train} clips of views 1 and 2 and {test} of view 3, and NW-UCLA has {_TRAIN} "
                f"and {_TEST}: name the folder of all aXX_sXX_eXX_vXX.json files or their archive"
                + ("" if not names else ", or prepare it with --incomplete")
            )

    def __len__(self) -> int:
        """Number of clips."""
        return self._count

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        """Every clip, with keypoints ``[T, 1, 20, 3]``.

        Raises:
            ValueError: when a file is not as described above.
        """
        labels = {action: label for label, action in enumerate(_ACTIONS)}
        for name, content in files_of(self.source, _is_clip):
            action, subject, _, view = _numbers(name)
            if action not in labels:
                raise ValueError(f"{name} of {self.source} is of action {action}, and NW-UCLA has {list(labels)}")
            row = ClipRow(name.removesuffix(".json"), labels[action], signer=f"s{subject:02d}", camera=f"v{view:02d}")
            yield row, _skeletons(name, content)

    def splits(self, rows: Sequence[ClipRow]) -> PartsOfSplits:
        """``cross-view``."""
        train = [row.id for row in rows if row.camera in ("v01", "v02")]
        return {"cross-view": {"train": train, "test": [row.id for row in rows if row.camera == "v03"]}}


def _is_clip(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _numbers(name: str) -> tuple[int, int, int, int]:
    found = _NAME.fullmatch(name)
    assert found is not None, name
    action, subject, attempt, view = (int(number) for number in found.groups())
    return action, subject, attempt, view


def _skeletons(name: str, content: bytes) -> np.ndarray:
    try:
        skeletons = np.asarray(json.loads(content)["skeletons"], dtype=np.float64)
    except (ValueError, TypeError, KeyError) as fault:
        raise ValueError(
            f"{name} is no skeleton file of NW-UCLA ({fault}): it needs skeletons, frames of joints"
        ) from fault
    if skeletons.ndim != 3 or skeletons.shape[1:] != (20, 3):
        raise ValueError(f"{name} has skeletons of shape {list(skeletons.shape)}: they should be [frames, 20, 3]")
    return skeletons[:, None]
