"""Products of features with graphs that all clips share, over single frames and over windows of them.

Features lie joints first, ``[J, T, B, C]``: so a graph is one factor of one large matrix product, of which neither the
result nor any gradient has to be copied into another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from slr.layers.valid import exporting


def graph_products(x: Tensor, weight: Tensor, graph: Tensor, stride: int = 1) -> Tensor:
    """``y[o, v, t] = sum_k sum_i sum_u graph[k, i, u, o, v] W_k x[u, stride t + i - w // 2]``.

    Every joint ``v`` of every frame ``o`` of a window around a step takes from all joints ``u`` of all frames ``i`` of
    it, at every scale ``k`` with other weights; beyond the ends lie zeros.

    Args:
        x: ``[J, T, B, C]``.
        weight: ``[K, C, D]``.
        graph: ``[K, w, J, w, J]``, giving and receiving; ``w`` is odd, 1 where frames keep to themselves.
        stride: steps from one window to the next.

    Returns:
        ``[w, J, T', B, D]`` with ``T' = ceil(T / stride)``.
    """
    if x.shape[3] < weight.shape[2]:
        return _gathered_first(x, weight, graph, stride)
    scales, window, joints = graph.shape[:3]
    parts = graph.permute(1, 3, 4, 0, 2).reshape(window, window * joints, scales * joints)
    if exporting() or torch.compiler.is_compiling() or torch.is_autocast_enabled(x.device.type):
        made = _weighted_first(x, weight, parts, stride)
    else:
        made = _GraphProducts.apply(x, weight, parts, stride)
    return made.view(window, joints, -1, x.shape[2], weight.shape[2])


def _gathered_first(x: Tensor, weight: Tensor, graph: Tensor, stride: int) -> Tensor:
    """The graph before the weights: less to compute where there are few features to gather."""
    scales, window, joints = graph.shape[:3]
    frames = torch.stack(_frames(x, window, stride))  # [w, J, T', B, C]
    rows = graph.permute(3, 4, 0, 1, 2).reshape(-1, window * joints)
    found = (rows @ frames.flatten(0, 1).flatten(1)).view(window, joints, scales, -1, x.shape[3])
    together = found.transpose(2, 3).flatten(3)  # [w, J, T' B, K C]
    return (together @ weight.flatten(0, 1)).unflatten(2, frames.shape[2:4])


def _weighted_first(x: Tensor, weight: Tensor, parts: Tensor, stride: int) -> Tensor:
    """``[w J, T' B D]``, in operations that every backend knows."""
    features = torch.einsum("jtbc,kcd->kjtbd", x, weight).flatten(0, 1)  # [K J, T, B, D]
    frames = _frames(features, len(parts), stride)
    return torch.stack([part @ frame.flatten(1) for part, frame in zip(parts, frames, strict=True)]).sum(0)


def _frames(x: Tensor, window: int, stride: int) -> list[Tensor]:
    """``[J, T', B, C]`` per frame of a window, zero beyond the ends."""
    padded = nn.functional.pad(x, (0, 0, 0, 0, window // 2, window // 2))
    last = padded.shape[1] - window + 1
    return [padded[:, frame : frame + last : stride] for frame in range(window)]


class _GraphProducts(torch.autograd.Function):
    """The weights before the graph; windows are ranges of what every frame gives, so nothing is unfolded."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, parts: Tensor, stride: int) -> Tensor:
        phases = [x[:, phase::stride].contiguous() for phase in range(stride)]
        features = [torch.bmm(phase.flatten(0, 2).expand(len(weight), -1, -1), weight) for phase in phases]
        ctx.save_for_backward(weight, parts, *phases, *features)
        ctx.shape = x.shape
        step = x.shape[2] * weight.shape[2]  # numbers of a step in a row
        found = _by_graph(features, phases, parts.shape[2], step)
        y = found[0].new_zeros(parts.shape[1], phases[0].shape[1] * step)
        for part, phase, given, taken in _ranges(phases, len(parts), step):
            y[:, taken].addmm_(parts[part], found[phase][:, given])
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, parts, *both = ctx.saved_tensors
        stride = len(both) // 2
        phases, features = both[:stride], both[stride:]
        step = ctx.shape[2] * weight.shape[2]
        gradient = gradient.contiguous()
        found = _by_graph(features, phases, parts.shape[2], step)
        of_found, of_parts = [torch.zeros_like(feature) for feature in found], torch.zeros_like(parts)
        for part, phase, given, taken in _ranges(phases, len(parts), step):
            of_found[phase][:, given].addmm_(parts[part].T, gradient[:, taken])
            torch.mm(gradient[:, taken], found[phase][:, given].T, out=of_parts[part])
        of_x, of_weight = gradient.new_empty(ctx.shape), torch.zeros_like(weight)
        for number, (phase, of_features) in enumerate(zip(phases, of_found, strict=True)):
            rows = phase.flatten(0, 2)
            of_rows = torch.zeros_like(rows)
            for scale, of_feature in enumerate(of_features.view(len(weight), len(rows), weight.shape[2])):
                of_rows.addmm_(of_feature, weight[scale].T)
                of_weight[scale].addmm_(rows.T, of_feature)
            of_x[:, number::stride] = of_rows.view(phase.shape)
        return of_x, of_weight, of_parts, None


def _by_graph(features: Sequence[Tensor], phases: Sequence[Tensor], givers: int, step: int) -> list[Tensor]:
    """``[K J, T B D]``: a row for every joint at every scale that a graph takes from."""
    return [feature.view(givers, phase.shape[1] * step) for feature, phase in zip(features, phases, strict=True)]


def _ranges(phases: Sequence[Tensor], window: int, step: int) -> Iterator[tuple[int, int, slice, slice]]:
    """Per frame of a window: its number, the phase it reads, and which columns there go to which of the result."""
    for frame in range(window):
        later, phase = divmod(frame - window // 2, len(phases))
        first, last = max(0, -later), min(phases[0].shape[1], phases[phase].shape[1] - later)
        if first < last:
            yield frame, phase, slice((first + later) * step, (last + later) * step), slice(first * step, last * step)
