"""Layouts of released checkpoints that do not come with the project, and weights made for them by a rule."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.conftest import ROOT


def checkpoint_layouts() -> Path:
    """The folder of layouts and of the answers that belong to them; skips where it is absent."""
    folder = Path(os.environ.get("SLR_SHARED", ROOT.parent / "shared")) / "checkpoints"
    if not folder.is_dir():
        pytest.skip(f"layouts of released weights are not part of the project and {folder} does not exist")
    return folder


@dataclass(frozen=True)
class Table:
    """The tensors of a released checkpoint by name, and what its first line says: a number of parameters, and more."""

    name: str
    shapes: dict[str, tuple[int, ...]]
    head: tuple[str, ...]

    @classmethod
    def read(cls, name: str) -> Table:
        head, *lines = (checkpoint_layouts() / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        shapes = {}
        for line in lines:
            tensor, shape, _ = line.split("\t")
            shapes[tensor] = () if shape == "scalar" else tuple(map(int, shape.split("x")))
        return cls(name, shapes, tuple(head.split()))

    @property
    def parameters(self) -> int:
        return self.number("parameters")

    def number(self, word: str) -> int:
        """The number that follows a word of the first line."""
        return int(self.head[self.head.index(word) + 1])

    def weights(self, tied: Mapping[str, str] | None = None) -> dict[str, Tensor]:
        """Every tensor made by the rule that the expected answers were made by; ``tied`` ones are that of another."""
        made = {name: torch.from_numpy(_by_rule(name, shape)) for name, shape in self.shapes.items()}
        return made | {name: made[other] for name, other in (tied or {}).items()}

    def expected(self) -> dict[str, np.ndarray]:
        """What the original answers."""
        with np.load(checkpoint_layouts() / "expected" / f"{self.name}.npz") as stored:
            return dict(stored)

    def given(self) -> Tensor:
        """What the original was given."""
        shape = tuple(self.expected()["input_shape"])
        return torch.from_numpy(np.random.default_rng(2026).standard_normal(shape).astype(np.float32))


def _by_rule(name: str, shape: tuple[int, ...]) -> np.ndarray:
    random = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_var"):
        values = random.uniform(0.5, 1.5, shape)
    elif len(shape) > 1:
        values = random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    else:
        values = 0.1 * random.standard_normal(shape) + name.endswith("weight")
    return values.astype(np.float32)
