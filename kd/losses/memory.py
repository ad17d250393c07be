"""Embeddings of past batches, as further negatives."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StepQueue(nn.Module):
    """The newest ``length`` embeddings of both sides with their pseudo-labels; the oldest leave first.

    Everything, the writing position included, is a buffer: a resumed run goes on with the same negatives.

    Args:
        length: steps kept.
        width: width of an embedding.
    """

    student: Tensor
    teacher: Tensor
    labels: Tensor
    written: Tensor

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.length = length
        self.register_buffer("student", torch.zeros(length, width))
        self.register_buffer("teacher", torch.zeros(length, width))
        self.register_buffer("labels", torch.zeros(length, dtype=torch.int64))
        self.register_buffer("written", torch.zeros((), dtype=torch.int64))

    def __len__(self) -> int:
        """Steps stored so far, at most ``length``."""
        return min(int(self.written), self.length)

    def stored(self) -> tuple[Tensor, Tensor, Tensor]:
        """Student embeddings ``[M, D]``, teacher embeddings ``[M, D]`` and labels ``[M]``.

        They are copies, so that a later push does not change what a waiting backward pass needs.
        """
        count = len(self)
        return self.student[:count].clone(), self.teacher[:count].clone(), self.labels[:count].clone()

    @torch.no_grad()
    def push(self, student: Tensor, teacher: Tensor, labels: Tensor) -> None:
        """Store ``[N, D]`` embeddings of both sides and their ``[N]`` labels."""
        student, teacher, labels = student[-self.length :], teacher[-self.length :], labels[-self.length :]
        places = (self.written + torch.arange(len(labels), device=labels.device)) % self.length
        self.student[places] = student.to(self.student.dtype)
        self.teacher[places] = teacher.to(self.teacher.dtype)
        self.labels[places] = labels
        self.written += len(labels)
