"""Comparing two heads class by class: what the losses on scores share."""

from __future__ import annotations

from torch import Tensor

from slr.types import Padded
from slr.vocabulary import BLANK


def check_temperature(temperature: float) -> None:
    """Refuse, with a ValueError, a temperature that scores cannot be divided by."""
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, but scores are divided by it: it must be greater than 0")


def check_same_vocabulary(scores: Padded, wanted: Padded) -> None:
    """Refuse, with a ValueError, a student ``[B, S, V]`` and a teacher that do not write the same number of classes."""
    student_size, teacher_size = scores.values.shape[-1], wanted.values.shape[-1]
    if student_size != teacher_size:
        raise ValueError(
            f"the student writes {student_size} classes and the teacher {teacher_size}: they can be compared only over "
            "one vocabulary, blank included"
        )


def without_blank(scores: Tensor) -> Tensor:
    """The columns of the glosses: gloss ``i`` stands in column ``i - 1`` of ``[..., V - 1]``."""
    assert BLANK == 0, "the blank column is dropped from the front"
    return scores[..., 1:]


def softened(scores: Tensor, temperature: float) -> Tensor:
    """``log softmax(scores / T)`` over the last axis."""
    return (scores / temperature).log_softmax(dim=-1)


def divergence(log_student: Tensor, log_teacher: Tensor) -> Tensor:
    """``KL(p^T || p^S)`` over the last axis, for logs of probabilities."""
    return (log_teacher.exp() * (log_teacher - log_student)).sum(dim=-1)


def softened_divergence(scores: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """``T^2 KL(softmax(wanted / T) || softmax(scores / T))`` over the last axis of raw scores ``[..., V]``."""
    return temperature**2 * divergence(softened(scores, temperature), softened(wanted, temperature))
