"""What the parts of an original gave, as far as it is known, against what ours give."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from torch import Tensor

from tests.released import checkpoint_layouts


def check_trace(seen: Mapping[str, Tensor], name: str, tolerance: float = 1e-4) -> None:
    """Compare features by the original's names of its parts; the first that differs is named.

    ``seen`` holds them with the original's axes. The table tells shape, mean, deviation and the first four values.
    """
    lines = (checkpoint_layouts() / "expected" / f"{name}.blocks.tsv").read_text(encoding="utf-8").splitlines()
    table = {part: numbers for part, *numbers in (line.split("\t") for line in lines)}
    for part, features in seen.items():
        shape, mean, deviation, first = table[part]
        assert "x".join(map(str, features.shape)) == shape, part
        got = [features.mean().item(), features.std().item(), *features.flatten()[:4].tolist()]
        wanted = [float(mean), float(deviation), *map(float, first.split())]
        size = features.abs().max().item()
        assert got == pytest.approx(wanted, rel=tolerance, abs=tolerance * size), part
