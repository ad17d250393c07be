"""Classes that are taken for each other are kept apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from kd.losses.base import Loss
from kd.losses.labels import clip_scores
from kd.reduce import masked_mean
from slr.types import Batch, NetOutput


class PairwiseMargin(Loss):
    """Mean over clips of ``sum_c max(0, margin - (s_y - s_c))``, over the classes ``c`` that ``y`` is confused with.

    ``s`` are the scores of a clip divided by ``scale``, and ``y`` is its class. Which classes are confused is a list of
    pairs, such as the first of ``confusion.dev.csv`` of an earlier run: a pair keeps both of its classes from each
    other. A margin has a meaning of its own for scores that are cosines: those of a head ``cosine``, whose
    ``head_scale`` is the ``scale`` here.

    Args:
        pairs: two classes each, by name or by number; left out, every class is confused with all others.
        margin: by how much the own class should lead, greater than 0.
        scale: what raw scores are divided by, greater than 0.
        head: where the raw scores are read: ``"logits"``, or a tap that holds scores over the same classes.
        class_names: the classes of the corpus; the workbench fills it in.

    Raises:
        ValueError: when an argument is out of range, or a pair is none.
    """

    supervised = True
    pairs: Tensor

    def __init__(
        self,
        pairs: Sequence[Sequence[str | int]] | None = None,
        margin: float = 0.3,
        scale: float = 1.0,
        head: str = "logits",
        class_names: Sequence[str] = (),
    ) -> None:
        super().__init__()
        for name, value in (("margin", margin), ("scale", scale)):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}: it must be greater than 0")
        if pairs is not None and not pairs:
            raise ValueError("pairs is empty: name two classes that are confused, or leave pairs out for all classes")
        self.margin = margin
        self.scale = scale
        self.head = head
        self.student_taps = (head,)
        self.all_pairs = pairs is None
        numbered = [_numbered(pair, class_names) for pair in pairs or ()]
        both = [*numbered, *((two, one) for one, two in numbered)]
        self.register_buffer("pairs", torch.tensor(both, dtype=torch.int64).view(-1, 2), persistent=False)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """The formula.

        Raises:
            ValueError: when the clips have no labels, scores and labels do not fit, or a pair names a class that the
                network does not write.
        """
        scores, labels, there = clip_scores(student.read(self.head), batch, type(self).__name__)
        scores = scores / self.scale
        leads = scores.gather(1, labels[:, None]) - scores  # [B, V]
        behind = torch.where(self._confused(scores.shape[1])[labels], self.margin - leads, 0.0)
        return masked_mean(behind.clamp(min=0).sum(dim=1), there)

    def _confused(self, classes: int) -> Tensor:
        """``[V, V]``, whether a class is confused with another."""
        if self.all_pairs:
            return ~torch.eye(classes, dtype=torch.bool, device=self.pairs.device)
        confused = torch.zeros(classes, classes, dtype=torch.bool, device=self.pairs.device)
        if int(self.pairs.max()) >= classes:
            raise ValueError(f"a pair names class {int(self.pairs.max())}, and the network writes {classes} classes")
        confused[self.pairs[:, 0], self.pairs[:, 1]] = True
        return confused


def _numbered(pair: Sequence[str | int], names: Sequence[str]) -> tuple[int, int]:
    if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
        raise ValueError(f"{pair!r} is no pair: name two classes that are confused")
    one, two = (_number(name, names) for name in pair)
    return one, two


def _number(name: str | int, names: Sequence[str]) -> int:
    if isinstance(name, str):
        if name not in names:
            raise ValueError(f"pairs name the class {name!r}, which is none of the {len(names)} classes of this corpus")
        return list(names).index(name)
    if name < 0:
        raise ValueError(f"pairs name the class {name}, and classes count from 0")
    return name
