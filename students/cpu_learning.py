"""When a network learns on a CPU in full precision: then some layers go ways of their own that are faster there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from slr.layers.valid import exporting


def learns_on_cpu(inputs: Tensor, weights: Sequence[Tensor]) -> bool:
    """Whether these weights learn from these inputs so. Else networks are computed, exported and counted as written."""
    return (
        torch.is_grad_enabled()
        and any(weight.requires_grad for weight in weights)
        and inputs.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and not exporting()
        and not torch.compiler.is_compiling()
    )
