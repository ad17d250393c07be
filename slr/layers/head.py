"""The classifier: features of a step -> scores of the glosses."""

from __future__ import annotations

import torch
from torch import Tensor, nn

HEADS = ("linear", "normalised", "cosine")


class GlossHead(nn.Module):
    """Scores ``[..., V]`` of features ``[..., D]``, one row ``w_v`` of weights per class.

    * ``linear``: ``w_v . x + b_v``.
    * ``normalised``: ``scale * w_v . x / |w_v|``, the classifier of SMKD (Hao et al., ICCV 2021) at scale 1.
    * ``cosine``: ``scale * w_v . x / (|w_v| |x|)``, the classifier of CoSign (Jiao et al., ICCV 2023) at scale 32.

    Raises:
        ValueError: when ``kind`` is none of these.
    """

    def __init__(self, width: int, num_classes: int, kind: str = "linear", scale: float = 1.0) -> None:
        super().__init__()
        if kind not in HEADS:
            raise ValueError(f"unknown kind of head {kind!r}: there are {', '.join(HEADS)}")
        self.kind = kind
        self.scale = scale
        self.weight = nn.Parameter(torch.empty(num_classes, width))
        nn.init.uniform_(self.weight, -(width**-0.5), width**-0.5)
        self.bias = nn.Parameter(torch.zeros(num_classes)) if kind == "linear" else None

    def forward(self, features: Tensor) -> Tensor:
        """``[..., D]`` -> ``[..., V]``, raw scores."""
        if self.kind == "linear":
            return nn.functional.linear(features, self.weight, self.bias)
        if self.kind == "cosine":
            # Generous eps: the gradient of a normalised vector grows as one over its length.
            features = nn.functional.normalize(features, dim=-1, eps=1e-4)
        return nn.functional.linear(features, self.scale * nn.functional.normalize(self.weight, dim=-1))
