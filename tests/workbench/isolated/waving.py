"""A made-up corpus that can be learned in seconds: a sign is waved with the left hand, the right one, or both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slr.data.isolated import ClipRow, StoreSpec, write_store
from tests.slr.data.isolated.made_up import LAYOUT
from workbench.yaml_text import dump_yaml

HANDS = {"left": [3], "right": [4], "both": [3, 4]}


class Waving:
    """Eight signers, the last two of them the test; every sign twice by each."""

    def __init__(self, persons: int = 1, classes: int = 3) -> None:
        names = tuple(f"wave {name}" for name in HANDS)[:classes]
        self.spec = StoreSpec(
            name="waving (made up)", layout=LAYOUT, channels=("x", "y", "z"), classes=names, units="metres", fps=20.0,
            persons=persons,
        )  # fmt: skip
        self.rows = [
            ClipRow(f"{signer}-{label}-{turn}", label, f"s{signer}")
            for signer in range(8)
            for label in range(classes)
            for turn in range(2)
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        for number, row in enumerate(self.rows):
            chances = np.random.default_rng(number)
            steps = np.arange(chances.integers(8, 14))
            clip = np.zeros((len(steps), self.spec.persons, 5, 3)) + chances.normal(0, 0.02, (1, 1, 5, 3))
            clip[:, :, :, 1] += np.asarray([1.0, 0.5, 0.5, -0.5, -0.5])
            for hand in list(HANDS.values())[row.label]:
                clip[:, 0, hand, 1] += 1 + 0.3 * np.sin(steps + chances.uniform(0, 6))
            clip += chances.normal(0, 0.02, clip.shape)
            clip[:, 1:] = 0
            yield row, clip

    def splits(self, rows: Sequence[ClipRow]) -> Mapping[str, Mapping[str, Sequence[str]]]:
        test = [row.id for row in rows if row.signer in ("s6", "s7")]
        return {"signers": {"train": [row.id for row in rows if row.id not in test], "test": test}}


def waving_store(folder: Path, persons: int = 1, classes: int = 3) -> Path:
    return write_store(folder / "waving", Waving(persons, classes))


def waving_config(folder: Path, root: Path, **changes: Any) -> Path:
    """A configuration that trains a small network on the store for some epochs."""
    config: dict[str, Any] = {
        "run": {"name": "waving", "diagnostics": None, "threads": 1},
        "data": {
            "root": str(root),
            "corpus": {"_target_": "slr.data.isolated.StoredCorpus", "held_out": 0.2},
            "pipeline": [
                {"_target_": "slr.data.isolated.CentreOn", "joint": "head"},
                {"_target_": "slr.data.isolated.RandomTurn", "angle": 10},
                {"_target_": "slr.data.isolated.SampleSubset", "length": 8},
                {"_target_": "slr.data.isolated.ToStream"},
            ],
        },
        "network": {"_target_": "students.LightDKEGCN", "channels": [8, 8], "strides": [1, 1], "dropout": 0.0},
        "stages": [
            {
                "epochs": 12,
                "max_clips": 10,
                "optimizer": {"_target_": "torch.optim.AdamW", "lr": 0.02},
                "losses": {"ce": {"loss": {"_target_": "kd.losses.CrossEntropy"}}},
            }
        ],
        "evaluate": {"every_epochs": 2, "clips_per_batch": 7},
    }
    for key, value in changes.items():
        config[key] = {**config[key], **value} if isinstance(value, dict) else value
    path = folder / "waving.yaml"
    path.write_text(dump_yaml(config))
    return path
