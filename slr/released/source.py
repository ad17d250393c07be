"""Where a tensor of ours comes from: released tensors, joined or rearranged, never calculated with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Source:
    """The released ``names`` that one tensor of ours is made of, in order, and ``how``."""

    names: tuple[str, ...]
    how: Callable[[Sequence[Tensor]], Tensor]

    def renamed(self, rename: Callable[[str], str]) -> Source:
        """The same of other tensors."""
        return replace(self, names=tuple(map(rename, self.names)))


def taken(name: str) -> Source:
    """As it is; what a bare name in a mapping means."""
    return Source((name,), lambda tensors: tensors[0])


def transposed(name: str, *axes: int) -> Source:
    """With its axes in another order; reversed when none is said."""
    return Source((name,), lambda tensors: tensors[0].permute(axes or tuple(range(tensors[0].ndim))[::-1]))


def reshaped(name: str, *shape: int) -> Source:
    """In another shape, row by row; one size may be -1."""
    return Source((name,), lambda tensors: tensors[0].reshape(shape))


def joined(names: Iterable[str], dim: int = 0) -> Source:
    """One behind the other along an axis."""
    return Source(tuple(names), lambda tensors: torch.cat(list(tensors), dim))


def stacked(names: Iterable[str], dim: int = 0) -> Source:
    """Side by side along a new axis."""
    return Source(tuple(names), lambda tensors: torch.stack(list(tensors), dim))


def rearranged(names: Iterable[str], how: Callable[[Sequence[Tensor]], Tensor]) -> Source:
    """Whatever else moves elements without changing, dropping or repeating one."""
    return Source(tuple(names), how)
