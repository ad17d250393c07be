"""What stands behind the trunk of a skeleton network: a recogniser of glosses, or a classifier of whole clips."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from slr.layers import JointPooling, check_task
from slr.skeleton import SkeletonLayout
from slr.types import NetOutput, Padded
from students.gloss_tail import NamedTailOptions, gloss_tail

_SHARED = ("task", "persons", "pooling", "dropout")
_TEMPORAL_LAYERS = {1: "K5-P2-K5-P2", 2: "K5-P2-K5", 4: "K5-K5"}


class HeadOptions(NamedTailOptions, total=False):
    """What every skeleton network takes about its head, beside its own arguments.

    * ``task``: ``glosses`` (:class:`GlossesHead`, the default) or ``class`` (:class:`ClassHead`).
    * ``persons``: how many persons a clip may show, 1 by default. Those who are not there count as zeros.
    * ``pooling``: the mean over the joints of each of the ``groups`` of the layout, the default for glosses, or over
      all joints (``mean``), the default for a class and what the published networks do.
    * ``dropout``: in the tail, 0.1 by default, or on what the classifier of a class reads, 0 by default.

    The others are about the tail of a recogniser, and a classifier refuses them: ``width`` (512) and those of
    :class:`~students.gloss_tail.NamedTailOptions`. The ``temporal_layers`` are by default those that make a step of
    four frames behind a trunk of 1, 2 or 4 frames a step; there are none behind other strides.
    """

    task: str
    persons: int
    pooling: str
    dropout: float
    width: int


class GlossesHead(nn.Module):
    """Joint pooling, mean over persons, then the tail of a continuous recogniser.

    Taps: ``frame`` (pooled joints) and those of :class:`~slr.layers.RecogniserTail`.
    """

    def __init__(
        self,
        in_width: int,
        num_classes: int,
        layout: SkeletonLayout,
        *,
        pooling: str = "groups",
        width: int = 512,
        dropout: float = 0.1,
        **tail: Unpack[NamedTailOptions],
    ) -> None:
        super().__init__()
        self.pool = JointPooling.named(pooling, layout)
        frame_width = self.pool.groups * in_width
        self.tail = gloss_tail(frame_width, num_classes, width=width, dropout=dropout, **tail)
        self.tap_widths = {"frame": frame_width, **self.tail.tap_widths}

    def forward(self, joints: Padded, persons: int) -> NetOutput:
        """``[B P, T, J, D]`` features, the persons of a clip one after the other -> ``[B, S, V]`` scores."""
        frame = mean_over_persons(joints.map(self.pool), persons).zeroed()
        output = self.tail(frame)
        return NetOutput(output.logits, {"frame": frame, **output.taps})

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for ``lengths`` steps of the trunk."""
        return self.tail.output_lengths(lengths)


class ClassHead(nn.Module):
    """Mean over joints, persons and the real steps of a clip, dropout, one linear layer: one step of ``V`` scores.

    There is no blank: ``V`` is the number of classes. Taps: ``frame`` (mean over joints and persons, by step) and
    ``pooled`` (what the classifier reads, before dropout, one step). Weights start from a normal distribution of
    deviation ``sqrt(2 / V)``, as in the published networks.
    """

    def __init__(
        self, in_width: int, num_classes: int, layout: SkeletonLayout, *, pooling: str = "mean", dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.pool = JointPooling.named(pooling, layout)
        width = self.pool.groups * in_width
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(width, num_classes)
        nn.init.normal_(self.classify.weight, std=(2 / num_classes) ** 0.5)
        nn.init.zeros_(self.classify.bias)
        self.tap_widths = {"frame": width, "pooled": width}

    def forward(self, joints: Padded, persons: int) -> NetOutput:
        """``[B P, T, J, D]`` features, the persons of a clip one after the other -> ``[B, 1, V]`` scores."""
        frame = mean_over_persons(joints.map(self.pool), persons).zeroed()
        pooled = Padded(frame.mean()[:, None], self.output_lengths(frame.lengths))
        return NetOutput(pooled.map(lambda x: self.classify(self.dropout(x))), {"frame": frame, "pooled": pooled})

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """One step, whatever the length."""
        return torch.ones_like(lengths)


def mean_over_persons(clips: Padded, persons: int) -> Padded:
    """``[B P, T, D]`` -> ``[B, T, D]``."""
    if persons == 1:
        return clips
    return Padded(clips.values.unflatten(0, (-1, persons)).mean(1), clips.lengths[::persons])


def make_head(
    in_width: int, num_classes: int, layout: SkeletonLayout, reduction: int, **options: Unpack[HeadOptions]
) -> GlossesHead | ClassHead:
    """The head that the options ask for, behind a trunk that leaves every ``reduction``-th step.

    Raises:
        ValueError: when the task is unknown, an option is none of its own, or a value is out of range.
    """
    task = options.get("task", "glosses")
    check_task(task, "a skeleton network")
    arguments = {name: value for name, value in options.items() if name not in ("task", "persons")}
    if task == "glosses":
        if "temporal_layers" not in arguments:
            arguments["temporal_layers"] = _temporal_layers(reduction)
        return GlossesHead(in_width, num_classes, layout, **arguments)  # type: ignore[arg-type]
    idle = [name for name in arguments if name not in _SHARED]
    if idle:
        raise ValueError(
            f"{', '.join(idle)}: a network with task 'class' has no tail; leave out what is about it, or set task to "
            "'glosses'"
        )
    return ClassHead(in_width, num_classes, layout, **arguments)  # type: ignore[arg-type]


def _temporal_layers(reduction: int) -> str:
    if reduction not in _TEMPORAL_LAYERS:
        raise ValueError(
            f"the strides make a step of every {reduction} frames, from which no temporal_layers make steps of four: "
            "set temporal_layers, such as K5-K5, or other strides"
        )
    return _TEMPORAL_LAYERS[reduction]
