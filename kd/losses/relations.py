"""Relations within a set of features, with nothing to learn: what SP, RKD and PKT are made of."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from kd.align import align_linear
from slr.types import Padded

Over = Literal["steps", "clips", "batch"]

SMALLEST_NORM = 1e-12

# Float32 knows a vector to about 1e-7 of its length: nearer than this share of it, two vectors are the same.
SAME = 1e-6


def check_over(over: str) -> None:
    """Refuse what :func:`sets` does not know.

    Raises:
        ValueError: when ``over`` is none of the three.
    """
    if over not in get_args(Over):
        raise ValueError(f"over is {over!r}: relations are between the 'steps' of a clip, 'clips' or all of a 'batch'")


def sets(student: Padded, teacher: Padded, over: Over) -> tuple[Padded, Padded]:
    """The sets of vectors whose relations are compared, ``[G, N, D]`` of each network, with the same lengths.

    - ``steps``: a set per clip, its steps; the teacher's are resampled to the student's.
    - ``clips``: one set, the mean feature of every clip that has steps. Each network is averaged over its own steps.
    - ``batch``: one set, all steps of all clips.
    """
    if over == "clips":
        used = (student.lengths > 0) & (teacher.lengths > 0)
        return _one_set(student.mean()[used]), _one_set(teacher.mean()[used])
    teacher = align_linear(teacher, student)
    if over == "batch":
        return _one_set(student.valid()), _one_set(teacher.valid())
    return student.zeroed(), teacher.zeroed()


def _one_set(vectors: Tensor) -> Padded:
    return Padded(vectors[None], torch.tensor([len(vectors)], device=vectors.device))


def distinct_pairs(mask: Tensor) -> Tensor:
    """Pairs of two different real elements of a set: ``[G, N]`` bool -> ``[G, N, N]`` bool."""
    same = torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
    return mask[:, :, None] & mask[:, None, :] & ~same


def directions(vectors: Tensor) -> Tensor:
    """``vectors`` along their last axis at unit length; a vector of zeros stays one and gets no gradient.

    ``torch.nn.functional.normalize`` gives the same values, but multiplies the gradient of a vector of zeros (a step at
    which every ReLU is shut) by ``1e12``.
    """
    norms = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return torch.where(norms > SMALLEST_NORM, vectors / norms.clamp(min=SMALLEST_NORM), torch.zeros_like(vectors))


def cosines(vectors: Tensor) -> Tensor:
    """Cosine of every pair, ``[..., N, D]`` -> ``[..., N, N]``; 0 where one of the two is a vector of zeros."""
    unit = directions(vectors)
    return unit @ unit.transpose(-1, -2)


def inner_products(vectors: Tensor) -> Tensor:
    """``f_i . f_j`` of every pair, ``[G, N, D]`` -> ``[G, N, N]``, in float64.

    Their differences are distances and angles, at a tenth of the cost of ``[G, N, N, D]`` differences of vectors. In
    float32 they would cancel where two steps are close.
    """
    exact = vectors.double()
    return exact @ exact.transpose(-1, -2)


def squared_distances(products: Tensor) -> Tensor:
    """``||f_i - f_j||^2`` of every pair from their inner products, ``[G, N, N]``.

    Vectors less than ``SAME`` times their length apart are the same: exactly 0, with no gradient.
    """
    squares = products.diagonal(dim1=-2, dim2=-1)
    both = squares[..., :, None] + squares[..., None, :]
    distances = both - 2 * products
    return torch.where(distances > SAME**2 * both, distances, torch.zeros_like(distances))
