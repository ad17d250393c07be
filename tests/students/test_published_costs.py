"""The plain formulations cost what was measured of the originals; ours cost no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from slr.types import Padded
from students import DSTASLR, MSG3D, SLGCN
from tests.reference import dsta_slr, ms_g3d, sl_gcn


def macs(run: Callable[[], Any]) -> int:
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        run()
    return counter.get_total_flops() // 2


@pytest.mark.parametrize(
    ("net", "plain", "shape", "billions"),
    [
        (DSTASLR(num_classes=2000, task="class"), dsta_slr.plain_network, (120, 1, 27, 3), 6.23),
        (SLGCN(num_classes=2000, task="class"), sl_gcn.plain_network, (100, 1, 27, 3), 3.24),
        *[
            (MSG3D(num_classes=60, layout="ntu-25", task="class", persons=2), ms_g3d.plain_network, shape, billions)
            for shape, billions in (((64, 2, 25, 3), 6.99), ((100, 2, 25, 3), 10.92))
        ],
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_multiply_adds_of_one_sample(
    net: nn.Module, plain: Callable[..., Any], shape: tuple[int, ...], billions: float
) -> None:
    net.eval()
    clip = torch.randn(1, *shape)
    whole = macs(lambda: plain(net, clip.permute(0, 4, 1, 3, 2)))
    assert whole / 1e9 == pytest.approx(billions, abs=0.005)
    assert macs(lambda: net(Padded(clip, torch.tensor(shape[:1])))) < whole
