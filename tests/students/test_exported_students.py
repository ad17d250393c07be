"""Students must leave for other runtimes, which know no data-dependent shapes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from slr.types import Padded
from students import (
    AAGCN,
    CTRGCN,
    DGSTGCN,
    DSTASLR,
    MSG3D,
    SLGCN,
    STGCN,
    STGCNPP,
    STGT,
    CoSign1S,
    CoSign2S,
    LandmarkTransformer,
    LightDKEGCN,
)
from tests.students.grown import grown


class Clips(nn.Module):
    """A network on keypoints and lengths."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, keypoints: Tensor, lengths: Tensor) -> Tensor:
        return self.net(Padded(keypoints, lengths)).logits.values


SMALL = {"num_classes": 5, "layout": "sign-27", "width": 8}


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(torch.compiler, "is_exporting"), reason="torch.export before 2.7 does not say it exports"
)
@pytest.mark.parametrize(
    "net",
    [
        STGT(**SMALL, joint_width=8, spatial_blocks=1, temporal_blocks=1, temporal_heads=2),
        STGCN(**SMALL, channels=(4, 6), temporal_kernel=3, context="none"),
        STGCNPP(**SMALL, channels=(6, 6), strides=(1, 2), temporal_layers="K3", context="none"),
        AAGCN(**SMALL, channels=(4, 4), strides=(1, 2), temporal_layers="K3", context="none"),
        DGSTGCN(**SMALL, channels=(6, 6), strides=(1, 2), groups=2, temporal_layers="K3", context="none"),
        CTRGCN(num_classes=5, layout="sign-27", channels=(4, 8), strides=(1, 2), task="class"),
        LightDKEGCN(**SMALL, channels=(4, 8), strides=(1, 2), temporal_layers="K3", context="none"),
        DSTASLR(**SMALL, channels=(4, 8), strides=(1, 2), graphs=2, temporal_layers="K3", context="none"),
        MSG3D(**SMALL, channels=(6, 12), strides=(1, 2), scales=3, temporal_layers="K3", context="none"),
        SLGCN(**SMALL, channels=(4, 8), strides=(1, 2), groups=2, temporal_layers="K3", context="none"),
        CoSign1S(**SMALL, channels=(4, 6), temporal_kernel=3, context="none"),
        CoSign2S(**SMALL, channels=(4, 6), temporal_kernel=3, centre_groups=True, context="none"),
        LandmarkTransformer(**SMALL, patch_heads=2, heads=2, local_blocks=1, global_blocks=1),
    ],
    ids=lambda net: type(net).__name__,
)
def test_an_exported_student_reads_clips_of_any_length_as_before(net: nn.Module) -> None:
    module = Clips(grown(net, std=0.2))
    exported = torch.export.export(
        module,
        (torch.randn(1, 20, 27, 3).double(), torch.tensor([20])),
        dynamic_shapes=({1: torch.export.Dim.AUTO}, None),
    ).module()
    for steps, length in ((12, 12), (37, 37), (37, 24)):
        keypoints, lengths = torch.randn(1, steps, 27, 3).double(), torch.tensor([length])
        torch.testing.assert_close(exported(keypoints, lengths), module(keypoints, lengths))
