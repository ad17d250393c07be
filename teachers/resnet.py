"""ResNet for frames of video: the residual image network with stages as wide as one likes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, conv1x1

from teachers.frame_encoder import widened
from teachers.image_networks import image_network

_PUBLISHED: dict[tuple[tuple[int, ...], tuple[int, ...]], str] = {
    ((64, 128, 256, 512), (2, 2, 2, 2)): "resnet18",
    ((64, 128, 256, 512), (3, 4, 6, 3)): "resnet34",
}


class FrameResNet(nn.Module):
    """ResNet of basic blocks (He et al., CVPR 2016) without its classifier: ``[N, 3, H, W]`` -> ``[N, width]``.

    The stages halve the map one after the other and have ``widths`` channels and ``blocks`` blocks each; the defaults
    are ResNet18. Names of tensors are torchvision's. Frames in [-1, 1] are read as they are, not brought to the
    statistics of ImageNet: so VAC and its relatives do, also where they begin from ImageNet's ``weights``.

    Args:
        widths: channels of the four stages; the stem has those of the first.
        blocks: blocks of the four stages.
        weights: name of torchvision's published weights (``"DEFAULT"``), for ResNet18 and ResNet34 alone; they are
            downloaded on first use.

    Raises:
        ValueError: when there are not four stages, or no such weights, or they cannot be fetched.
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512),
        blocks: Sequence[int] = (2, 2, 2, 2),
        weights: str | None = None,
    ) -> None:
        super().__init__()
        if len(widths) != 4 or len(blocks) != 4:
            raise ValueError(f"a ResNet has four stages, got the widths {list(widths)} and the blocks {list(blocks)}")
        self.width = widths[-1]
        self.conv1 = nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(widths[0], widths[0], blocks[0], stride=1)
        self.layer2 = _stage(widths[0], widths[1], blocks[1])
        self.layer3 = _stage(widths[1], widths[2], blocks[2])
        self.layer4 = _stage(widths[2], widths[3], blocks[3])
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if weights is not None:
            self.load_state_dict(_published(tuple(widths), tuple(blocks), weights))
        self.to(memory_format=torch.channels_last)

    def forward(self, frames: Tensor) -> Tensor:
        """``[N, 3, H, W]`` in [-1, 1] -> ``[N, width]``, the mean over all places of the last map."""
        maps = torch.relu(self.bn1(self.conv1(frames.contiguous(memory_format=torch.channels_last))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(self.maxpool(maps)))))
        return widened(maps).mean(dim=(2, 3))


def _stage(in_width: int, width: int, count: int, stride: int = 2) -> nn.Sequential:
    shortcut = None
    if stride != 1 or in_width != width:
        shortcut = nn.Sequential(conv1x1(in_width, width, stride), nn.BatchNorm2d(width))
    first = BasicBlock(in_width, width, stride, shortcut)
    return nn.Sequential(first, *(BasicBlock(width, width) for _ in range(count - 1)))


def _published(widths: tuple[int, ...], blocks: tuple[int, ...], weights: str) -> dict[str, Tensor]:
    name = _PUBLISHED.get((widths, blocks))
    if name is None:
        raise ValueError(
            f"there are no published weights for a ResNet of widths {list(widths)} and blocks {list(blocks)}: set "
            "weights: null, or take those of resnet18"
        )
    state = image_network(name, weights).state_dict()
    return {key: value for key, value in state.items() if not key.startswith("fc.")}
