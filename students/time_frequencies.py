"""Convolutions with long kernels over the steps of every joint, by products at the frequencies of spans of steps.

Over the steps of a span, a convolution is a product at every frequency (discrete Fourier transform). The transforms of
some forty steps are small matrices, so that all of it is matrix products: for a span of ``N`` steps with ``L`` results
about ``3 N / 2`` of all joints with a matrix ``[C, D]``, where tap by tap it is ``L K`` of them. For nine taps and 32
results that is a fifth; the transforms come on top and do not grow with ``C D``. Rounding is that of the convolution.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

LONGEST = 32  # results of a span: more make the transforms dearer, fewer the products; 16 to 64 take about as long


class Transforms(NamedTuple):
    """``back @ ((forth @ x) * (of_taps @ w))`` is ``y[t] = sum_m w[m] x[t + m]``.

    ``forth`` is ``[R, N]``, ``of_taps`` ``[R, M]``, ``back`` ``[L, R]``, with ``N = L + M - 1``. One of the ``R`` is a
    frequency without imaginary part, or one of the three real products that make a complex one (Gauss): of ``a + ib``
    of the steps and ``c + id`` of the taps, ``(a + b) c``, ``a (d - c)`` and ``b (c + d)``.
    """

    forth: Tensor
    of_taps: Tensor
    back: Tensor


@functools.lru_cache(maxsize=512)
def transforms(results: int, taps: int, dtype: torch.dtype) -> Transforms:
    """For spans of ``results``, ``L``, and ``taps``, ``M``."""
    steps = results + taps - 1
    angles = torch.arange(steps // 2 + 1).double()[:, None] * torch.arange(steps) * (2 * math.pi / steps)
    alone = torch.arange(steps // 2 + 1) * 2 % steps == 0  # frequency 0, and the highest of an even number of steps
    cos, sin = angles[~alone].cos(), angles[~alone].sin()
    real = angles[alone].cos()
    forth = torch.cat([real, cos - sin, cos, -sin])
    of_taps = torch.cat([real, cos, sin - cos, sin + cos])
    back = torch.cat([real, 2 * (cos - sin), -2 * sin, -2 * cos]).t() / steps
    return Transforms(forth.to(dtype), of_taps[:, :taps].to(dtype), back[:results].to(dtype))


@dataclass(frozen=True)
class Spans:
    """The results of a clip of ``steps`` in spans of equal length, the last one shorter, and what each of them reads.

    With a stride a clip is read in as many phases, each by taps of its own: ``y[t] = sum_r sum_m W[stride m + r]
    x[stride (t + m) + r - kernel // 2]``.
    """

    steps: int
    kernel: int
    stride: int

    @property
    def results(self) -> int:
        """Of a clip."""
        return -(-self.steps // self.stride)

    @property
    def count(self) -> int:
        """Spans of a clip."""
        return max(1, -(-self.results // LONGEST))

    @property
    def length(self) -> int:
        """Results of a span."""
        return -(-self.results // self.count)

    @property
    def taps(self) -> int:
        """Of the phase that has most."""
        return -(-self.kernel // self.stride)

    @property
    def products(self) -> int:
        """``R`` of the transforms."""
        steps = self.length + self.taps - 1
        return 3 * ((steps - 1) // 2) + 1 + (steps % 2 == 0)

    def made(self) -> Iterator[slice]:
        """The results of each span."""
        return (slice(first, min(first + self.length, self.results)) for first in range(0, self.results, self.length))

    def read(self, phase: int) -> Iterator[tuple[slice, slice]]:
        """The steps of a clip that each span reads, and their places among its ``N``; beyond the clip are zeros."""
        start = phase - self.kernel // 2
        begin, end = -(start // self.stride), -((start - self.steps) // self.stride)
        for first in range(0, self.results, self.length):
            low = max(first, begin)
            high = max(low, min(first + self.length + self.taps - 1, end))
            steps = slice(self.stride * low + start, max(0, self.stride * high + start), self.stride)
            yield steps, slice(low - first, high - first)

    def pay(self, inputs: int, outputs: int) -> bool:
        """Whether they are the quicker way from ``inputs`` to ``outputs`` features.

        By multiply-adds, those of taps within the clip. Those of transforms count twice, since such flat matrices are
        multiplied at half the rate; and a sixth must be saved, for what is copied.
        """
        transformed = self.stride * (self.length + self.taps - 1) * inputs + self.length * outputs
        ours = self.count * self.products * (self.stride * inputs * outputs + 2 * transformed)
        return ours < 5 / 6 * self._taps_within() * inputs * outputs

    def _taps_within(self) -> int:
        """Of all results together, how many taps read a step of the clip."""
        ends = self.kernel // 2
        sources = range(0, self.stride * self.results, self.stride)
        return sum(min(source + ends, self.steps - 1) - max(source - ends, 0) + 1 for source in sources)

    def transforms(self, dtype: torch.dtype) -> Transforms:
        """Of every span."""
        return transforms(self.length, self.taps, dtype)


class FrequencyProducts(torch.autograd.Function):
    """``[B, T, J, C]`` clips and ``[D, C, K]`` weights -> ``[B, ceil(T / stride), J, D]``.

    For the backward pass it keeps the clips, not their transforms: those are almost twice as large.
    """

    @staticmethod
    def forward(ctx: Any, clips: Tensor, weight: Tensor, stride: int) -> Tensor:
        """The products of all phases, and back."""
        ctx.save_for_backward(clips, weight)
        ctx.stride = stride
        spans = Spans(clips.shape[1], weight.shape[2], stride)
        products = None
        for phase in range(stride):
            read, taps = _forth(clips, spans, phase), _of_taps(weight[:, :, phase::stride], spans)
            products = torch.bmm(read, taps) if products is None else products.baddbmm_(read, taps)
        assert products is not None
        return _back(products, clips, spans)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """The same the other way round."""
        clips, weight = ctx.saved_tensors
        spans = Spans(clips.shape[1], weight.shape[2], ctx.stride)
        of_products = _back_transposed(gradient, spans)
        of_clips = torch.zeros_like(clips, memory_format=torch.contiguous_format) if ctx.needs_input_grad[0] else None
        of_weight = torch.empty_like(weight)
        for phase in range(ctx.stride):
            taps = weight[:, :, phase :: ctx.stride]
            of_weight[:, :, phase :: ctx.stride] = _of_taps_transposed(  # nothing that large outlives its line
                torch.bmm(_forth(clips, spans, phase).transpose(1, 2), of_products), taps.shape[2], spans
            )
            if of_clips is not None:
                of_read = torch.bmm(of_products, _of_taps(taps, spans).transpose(1, 2))
                _add_forth_transposed(of_clips, of_read, spans, phase)
        return of_clips, of_weight, None


def _of_taps(taps: Tensor, spans: Spans) -> Tensor:
    """``[D, C, M]`` -> ``[R, C, D]``."""
    rows = taps.permute(2, 1, 0)
    return (spans.transforms(taps.dtype).of_taps[:, : len(rows)] @ rows.flatten(1)).unflatten(1, rows.shape[1:])


def _of_taps_transposed(of_taps: Tensor, taps: int, spans: Spans) -> Tensor:
    """``[R, C, D]`` -> ``[D, C, M]``."""
    rows = spans.transforms(of_taps.dtype).of_taps[:, :taps].t() @ of_taps.flatten(1)
    return rows.unflatten(1, of_taps.shape[1:]).permute(2, 1, 0)


def _forth(clips: Tensor, spans: Spans, phase: int) -> Tensor:
    """What is read in a phase, ``[B, T, J, C]`` -> ``[R, B spans J, C]``."""
    forth, rows = spans.transforms(clips.dtype).forth, clips.flatten(2)
    parts = [(forth[:, window], rows[:, steps]) for steps, window in spans.read(phase)]
    return _side_by_side(parts, len(forth)).view(len(forth), -1, clips.shape[3])


def _back_transposed(gradient: Tensor, spans: Spans) -> Tensor:
    """Of the results, ``[B, T', J, D]`` -> of the products, ``[R, B spans J, D]``."""
    back, rows = spans.transforms(gradient.dtype).back, gradient.flatten(2)
    parts = [(back[: made.stop - made.start].t(), rows[:, made]) for made in spans.made()]
    return _side_by_side(parts, back.shape[1]).view(back.shape[1], -1, gradient.shape[3])


def _back(products: Tensor, clips: Tensor, spans: Spans) -> Tensor:
    """``[R, B spans J, D]`` -> ``[B, T', J, D]``."""
    back = spans.transforms(products.dtype).back
    batch, joints = clips.shape[0], clips.shape[2]
    parts = products.view(len(products), batch, spans.count, -1)
    results = products.new_empty(batch, spans.results, parts.shape[3])
    for number, made in enumerate(spans.made()):
        results[:, made] = _of_each(back[: made.stop - made.start], parts[:, :, number].transpose(0, 1))
    return results.unflatten(2, (joints, -1))


def _add_forth_transposed(of_clips: Tensor, of_read: Tensor, spans: Spans, phase: int) -> None:
    """Add, of what was read in a phase, ``[R, B spans J, C]``, to of the clips, ``[B, T, J, C]``: spans overlap."""
    forth, rows = spans.transforms(of_read.dtype).forth, of_clips.flatten(2)
    parts = of_read.view(len(of_read), len(rows), spans.count, -1)
    for number, (steps, window) in enumerate(spans.read(phase)):
        rows[:, steps] += _of_each(forth[:, window].t(), parts[:, :, number].transpose(0, 1))


def _side_by_side(parts: list[tuple[Tensor, Tensor]], height: int) -> Tensor:
    """Of every span a matrix ``[R, N]`` and the steps ``[B, N, F]`` -> ``[R, B, spans, F]``."""
    batch, width = len(parts[0][1]), parts[0][1].shape[2]
    found = parts[0][1].new_empty(height, batch, len(parts), width)
    for number, (matrix, steps) in enumerate(parts):
        found[:, :, number] = _of_each(matrix, steps).transpose(0, 1)
    return found


def _of_each(matrix: Tensor, clips: Tensor) -> Tensor:
    """``[M, N]`` times each of ``[B, N, F]``; as a batch, so that every thread has clips of its own."""
    return torch.bmm(matrix.expand(len(clips), -1, -1), clips)
