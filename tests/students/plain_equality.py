"""A network against the plain formulation of the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from slr.types import Padded


def assert_equal_to_plain(net: Any, plain: Callable[[nn.Module, Tensor], Tensor], clips: Tensor) -> None:
    """Scores and the gradients of all parameters, for whole clips ``[B, T, P, J, C]``; ``plain`` wants them
    ``[B, C, T, J, P]``.
    """
    lengths = torch.full((len(clips),), clips.shape[1])
    ours, found = _gradients(net, lambda: net(Padded(clips, lengths)).logits.values[:, 0])
    wanted, gradients = _gradients(net, lambda: plain(net, clips.permute(0, 4, 1, 3, 2)))
    torch.testing.assert_close(ours, wanted, rtol=1e-6, atol=1e-6)
    assert found.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(
            found[name], gradient, rtol=1e-5, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


def _gradients(net: nn.Module, answer: Callable[[], Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    net.zero_grad()
    scores = answer()
    (scores * torch.linspace(-1, 1, scores.numel(), dtype=scores.dtype).view_as(scores)).sum().backward()
    return scores.detach(), {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}
