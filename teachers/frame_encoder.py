"""From frames to features of frames: image networks that look at each real frame once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from teachers.image_networks import image_network

SMALL = "small"


def widened(values: Tensor) -> Tensor:
    """Half precision, as autocast leaves it, as float32; wider values as they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


class SmallCNN(nn.Module):
    """A plain convolutional encoder for small frames: convolutions with batch norm and ReLU.

    ``widths`` are the channels of the layers. The first has 7 x 7 kernels and stride 4, the others 3 x 3 and stride 2:
    a layer at half of the frame's size would take more time than all the others together, most of it for memory. The
    maps of the layer before the last, twice as fine, are at hand as well.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 96)) -> None:
        super().__init__()
        if len(widths) < 2:
            raise ValueError(f"a small CNN needs at least two layers, got the widths {list(widths)}")
        layers = [_convolution(3, widths[0], kernel=7, stride=4)]
        layers += [_convolution(before, width, kernel=3, stride=2) for before, width in pairwise(widths)]
        self.stem, self.top = nn.Sequential(*layers[:-1]), layers[-1]
        self.widths = tuple(widths)
        self.stride = 2 ** (len(widths) + 1)

    def forward(self, frames: Tensor) -> Tensor:
        """``[N, 3, H, W]`` in [-1, 1] -> ``[N, widths[-1], H / stride, W / stride]``, rounded up."""
        return self.top(self.stem(frames))


def _convolution(in_channels: int, width: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, width, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class WholeView(nn.Module):
    """Reads the last map of a :class:`SmallCNN` place by place: flattened, projected to ``width`` and normalised.

    The projection depends on the size of the frames, ``frame_size`` (width, height) in pixels.
    """

    def __init__(self, cnn: SmallCNN, frame_size: Sequence[int], width: int) -> None:
        super().__init__()
        self.frame_size = tuple(frame_size)
        self.places = tuple(-(-size // cnn.stride) for size in reversed(self.frame_size))  # height, width
        self.project = nn.Linear(cnn.widths[-1] * math.prod(self.places), width)
        self.norm = nn.LayerNorm(width)

    def forward(self, maps: Tensor) -> Tensor:
        """``[N, C, h, w]`` -> ``[N, width]``.

        Raises:
            ValueError: when the frames had another size than the network was built for, so that the map has too.
        """
        if tuple(maps.shape[-2:]) != self.places:
            raise ValueError(
                f"this network was built for frames of {self.frame_size[0]} x {self.frame_size[1]} pixels (width x "
                f"height), whose map has {self.places[1]} x {self.places[0]} places, and these have "
                f"{maps.shape[-1]} x {maps.shape[-2]}: give frame_size and the data's crop the same size"
            )
        return self.norm(widened(self.project(maps.flatten(1))))


class SmallEncoder(nn.Module):
    """A :class:`SmallCNN` and its :class:`WholeView`: ``[N, 3, H, W]`` frames to ``[N, width]`` features."""

    def __init__(self, frame_size: Sequence[int], widths: Sequence[int] = (32, 64, 96), width: int = 128) -> None:
        super().__init__()
        self.cnn = SmallCNN(widths)
        self.view = WholeView(self.cnn, frame_size, width)
        self.width = width
        self.to(memory_format=torch.channels_last)

    def forward(self, frames: Tensor) -> Tensor:
        """``[N, 3, H, W]`` -> ``[N, width]``."""
        return self.view(self.cnn(frames.contiguous(memory_format=torch.channels_last)))


class TorchvisionEncoder(nn.Module):
    """Any torchvision image classifier without its last linear layer.

    ``weights`` is the name of published weights (``"DEFAULT"``, ``"IMAGENET1K_V1"``); they are downloaded by
    torchvision on first use. Frames in [-1, 1] are brought to the statistics that such weights expect.

    Raises:
        ValueError: when torchvision has no such network or weights, the weights cannot be fetched, or the network ends
            in no linear layer or in several outputs.
    """

    def __init__(self, name: str, weights: str | None = None) -> None:
        super().__init__()
        self.network = image_network(name, weights)
        if getattr(self.network, "aux_logits", False):
            raise ValueError(
                f"{name!r} answers with auxiliary classifiers while it trains, which nothing here reads: choose "
                "another image classifier such as resnet18"
            )
        path, last = _last_linear(self.network, name)
        self.network.set_submodule(path, nn.Identity())
        self.width = last.in_features
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1), persistent=False)
        self.to(memory_format=torch.channels_last)

    def forward(self, frames: Tensor) -> Tensor:
        """``[N, 3, H, W]`` in [-1, 1] -> ``[N, width]``."""
        images = ((frames + 1) / 2 - self.mean) / self.deviation
        return widened(self.network(images.contiguous(memory_format=torch.channels_last)))


def _last_linear(network: nn.Module, name: str) -> tuple[str, nn.Linear]:
    linears = [(path, module) for path, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not linears:
        raise ValueError(f"{name!r} ends in no linear layer: choose an image classifier such as resnet18")
    return linears[-1]


def frame_encoder(
    name: str, *, frame_size: Sequence[int], widths: Sequence[int], width: int, weights: str | None
) -> SmallEncoder | TorchvisionEncoder:
    """The encoder called ``name``: ``"small"``, or a torchvision image network such as ``"resnet18"``."""
    if name != SMALL:
        return TorchvisionEncoder(name, weights)
    if weights is not None:
        raise ValueError(f"the backbone {SMALL!r} has no published weights: set weights: null")
    return SmallEncoder(frame_size, widths, width)
