"""Made-up stores in the shape of real corpora, for configurations that name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from slr.data.isolated import NWUCLA, ClipRow, StoreSpec, write_store
from slr.data.isolated.readers.wlasl50 import wlasl50_spec

# By the name of the data section.
_NTU = StoreSpec("NTU RGB+D", "ntu-25", ("x", "y", "z"), ("a", "b"), "metres", persons=2)
_DSTA = StoreSpec("WLASL", "sign-27", ("x", "y", "score"), ("a", "b"), "pixels", frame_size=(512, 512))
_OPENPOSE = StoreSpec("Kinetics", "openpose-18", ("x", "y", "score"), ("a", "b"), "frame", persons=2, frame_size=(1, 1))
_LANDMARKS = StoreSpec("landmarks", "mediapipe-holistic-543", ("x", "y", "z"), ("a", "b"), "frame", frame_size=(1, 1))
SPECS: dict[str, StoreSpec] = {
    "own_clips": StoreSpec("clips", "sign-27", ("x", "y", "score"), ("a", "b"), "pixels"),
    "nw_ucla": NWUCLA.spec,
    "wlasl50": wlasl50_spec(("all", "bed")),
    **dict.fromkeys(("ntu60", "ntu120", "ntu60_pyskl", "ntu60_ms_g3d"), _NTU),
    **dict.fromkeys(("wlasl2000", "autsl"), _DSTA),
    "kinetics": _OPENPOSE,
    "landmarks": _LANDMARKS,
}


class Like:
    """Twelve random clips of two classes and six signers in a split of the name that is asked for."""

    def __init__(self, spec: StoreSpec, split: str) -> None:
        self.spec = replace(spec, classes=spec.classes[:2])
        self.split = split

    def __len__(self) -> int:
        return 12

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        for number in range(len(self)):
            chances = np.random.default_rng(number)
            clip = chances.normal(0, 0.3, (9 + number, *self.spec.shape)) + (0.5 if self.spec.units == "frame" else 0)
            if self.spec.channels[-1] == "score":
                clip[..., -1] = 0.9
            yield ClipRow(f"clip-{number}", number % 2, f"s{number // 2}"), clip

    def splits(self, rows: Sequence[ClipRow]) -> Mapping[str, Mapping[str, Sequence[str]]]:
        return {self.split: {"train": [row.id for row in rows[:8]], "test": [row.id for row in rows[8:]]}}


def store_like(spec: StoreSpec, folder: Path, data: Any) -> Path:
    """A store with the shape of ``spec`` and the split that a data section names."""
    return write_store(folder / "store", Like(spec, data.corpus.get("split", "only")))
