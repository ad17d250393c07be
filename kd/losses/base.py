"""What every loss of the project is."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from slr.types import Batch, NetOutput, Padded


class Loss(nn.Module, ABC):
    """One formula that compares a student with its teacher, or with the batch.

    A new loss derives from this class, says what it reads in its constructor, and writes :meth:`compute`. What
    :meth:`compute` is given is already safe to calculate with: the padding of everything the loss named is zero, half
    precision has become float32, autocast is off, and the teacher carries no gradient. ``logits`` are always
    there; a tap that the loss did not name is not.

    Attributes:
        needs_teacher: whether there has to be a teacher.
        supervised: whether it learns from transcripts or labels alone; the others are held against such losses.
        reads_blank: whether the loss takes class 0 for the blank, so that it cannot be used on isolated clips.
        student_taps: names the loss reads from the student; ``"logits"`` is one of the possible names.
        teacher_taps: names it reads from the teacher.
        batch_streams: streams it reads from the batch itself (``"rgb"``, ``"pose"``).
    """

    needs_teacher: bool = False
    supervised: bool = False
    reads_blank: bool = False
    student_taps: tuple[str, ...] = ()
    teacher_taps: tuple[str, ...] = ()
    batch_streams: tuple[str, ...] = ()

    def forward(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Value of the loss, a scalar.

        Raises:
            ValueError: when the loss needs a teacher and none is given, or a tap is not published.
        """
        if self.needs_teacher and teacher is None:
            raise ValueError(
                f"{type(self).__name__} compares with a teacher, but there is none: name one under teacher:"
            )
        with _full_precision(student.logits.values.device):
            student = readable(student, self.student_taps)
            if teacher is not None:
                teacher = readable(teacher, self.teacher_taps).detach()
            return self.compute(student, teacher, batch)

    @abstractmethod
    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """The formula. Every loss writes this one; without it there is no making one."""

    @classmethod
    def wanted_widths(cls, arguments: Mapping[str, Any]) -> dict[str, str]:
        """Which tap gives its width to which argument of the constructor.

        A loss with projections takes ``student_width`` and ``teacher_width``, which a config does not write: they are
        the widths of the taps that ``arguments`` (or else the defaults) name as ``tap`` and ``teacher_tap``.

        Args:
            arguments: what the config gives to the constructor.

        Returns:
            for example ``{"student_width": "conv", "teacher_width": "conv"}``; empty for a loss without projections.
        """
        parameters = inspect.signature(cls).parameters
        given = {name: arguments.get(name, parameter.default) for name, parameter in parameters.items()}
        taps = {"student_width": given.get("tap"), "teacher_width": given.get("teacher_tap") or given.get("tap")}
        return {name: str(tap) for name, tap in taps.items() if name in parameters}


def _full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Turns autocast off where it is on: sums over steps and vocabularies lose too much in half precision."""
    if torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


def readable(output: NetOutput, taps: Iterable[str]) -> NetOutput:
    """The logits and the taps named, as a loss is given them: in float32 at least, with zeros as padding."""
    named = {name: _clean(output.read(name)) for name in taps if name != "logits"}
    return NetOutput(_clean(output.logits), named)


def _clean(sequence: Padded) -> Padded:
    if sequence.values.dtype in (torch.float16, torch.bfloat16):
        sequence = sequence.map(Tensor.float)
    return sequence.zeroed()
