"""STSG-Net: a graph over learned parts of the frame, in space and time. A reconstruction."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from slr.layers import BiLSTM, RecogniserTail, gather_valid, scatter_valid
from slr.types import NetOutput, Padded
from teachers.frame_encoder import SmallCNN, WholeView, widened


class STSGNet(nn.Module):
    """Spatial-temporal graph network over part tokens of RGB frames: the strong teacher of the TRKD paper.

    **This is a reconstruction.** Nothing public describes STSG-Net beyond its role (the RGB teacher of Xiao et al.,
    Computer Science 2022) and its score there (26.3 / 25.9 WER on Phoenix-2014); no figure of that paper is reproduced
    by this code. What the name promises is built plainly: ``parts`` learned spatial attentions cut a feature map of the
    frame into part tokens (what is seen, and where its attention lies); graph blocks pass messages between the parts of
    a frame over an adaptive adjacency (learned plus computed from the tokens, as in 2s-AGCN) and along each part in
    time. An average under an attention forgets how fingers lie to each other, so what the parts say is added to a view
    of the whole frame, read place by place. Temporal convolution, BiLSTM and heads follow as in the VAC family.
    ``frame_size`` is (width, height) in pixels.

    Taps: ``frame`` (joined parts), ``conv``, ``context``, ``conv_logits``.
    """

    input_stream = "rgb"

    def __init__(
        self,
        *,
        num_classes: int,
        frame_size: Sequence[int] = (80, 100),
        channels: Sequence[int] = (32, 64, 96),
        parts: int = 12,
        part_width: int = 64,
        graph_blocks: int = 2,
        frame_width: int = 192,
        width: int = 512,
        temporal_layers: str = "K5-P2-K5-P2",
        hidden: int = 256,
        recurrent_layers: int = 2,
        dropout: float = 0.3,
        shared_head: bool = False,
    ) -> None:
        super().__init__()
        self.cnn = SmallCNN(channels)
        self.view = WholeView(self.cnn, frame_size, frame_width)
        self.parts = PartTokens(channels[-2], parts, part_width)
        self.blocks = nn.ModuleList(PartGraphBlock(parts, part_width) for _ in range(graph_blocks))
        self.join = nn.Sequential(nn.LayerNorm(part_width), nn.Flatten(-2), nn.Linear(parts * part_width, frame_width))
        self.norm = nn.LayerNorm(frame_width)
        self.frame_width = frame_width
        self.tail = RecogniserTail(
            frame_width,
            num_classes,
            context=BiLSTM(width, hidden, recurrent_layers, dropout),
            width=width,
            temporal_layers=temporal_layers,
            dropout=dropout,
            shared_head=shared_head,
        )
        self.cnn.to(memory_format=torch.channels_last)

    @property
    def tap_widths(self) -> dict[str, int]:
        """Width of every tap."""
        return {"frame": self.frame_width, **self.tail.tap_widths}

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        return self.tail.output_lengths(lengths)

    def forward(self, stream: Padded) -> NetOutput:
        """``[B, T, 3, H, W]`` frames in [-1, 1] -> ``[B, S, V]`` scores."""
        fine = self.cnn.stem(gather_valid(stream).contiguous(memory_format=torch.channels_last))
        view = scatter_valid(self.view(self.cnn.top(fine)), stream)
        tokens = scatter_valid(self.parts(fine), stream)  # [B, T, P, D]
        for block in self.blocks:
            tokens = block(tokens)
        frame = Padded(self.norm(view.values + self.join(tokens.values)), stream.lengths).zeroed()
        output = self.tail(frame)
        return NetOutput(output.logits, {"frame": frame, **output.taps})


class PartTokens(nn.Module):
    """Cut feature maps into ``parts`` tokens by learned spatial attention: ``[N, C, h, w]`` -> ``[N, parts, width]``.

    A token holds the attended features and the centre of the attention, in [-1, 1] over the frame.
    """

    def __init__(self, in_channels: int, parts: int, width: int) -> None:
        super().__init__()
        self.attention = nn.Conv2d(in_channels, parts, 1)
        self.embed = nn.Linear(in_channels + 2, width)
        self.identity = nn.Parameter(0.02 * torch.randn(parts, width))

    def forward(self, maps: Tensor) -> Tensor:
        """Part tokens of every map."""
        attention = widened(self.attention(maps)).flatten(2).softmax(-1)  # [N, P, h w]
        seen = attention @ widened(maps).flatten(2).transpose(1, 2)  # [N, P, C]
        centres = attention @ _grid(maps.shape[-2], maps.shape[-1], maps.device).to(attention)  # [N, P, 2]
        return self.embed(torch.cat([seen, centres], dim=-1)) + self.identity


def _grid(height: int, width: int, device: torch.device) -> Tensor:
    """Coordinates (x, y) in [-1, 1] of all places of a map, ``[height * width, 2]``."""
    y = torch.linspace(-1, 1, height, device=device)
    x = torch.linspace(-1, 1, width, device=device)
    return torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1).reshape(-1, 2)


class PartGraphBlock(nn.Module):
    """Messages between the parts of a frame, then along each part in time; both residual. Padding stays zero."""

    KEY_WIDTH = 16

    def __init__(self, parts: int, width: int) -> None:
        super().__init__()
        self.learned = nn.Parameter(torch.zeros(parts, parts))
        self.space_norm, self.time_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key = nn.Linear(width, self.KEY_WIDTH), nn.Linear(width, self.KEY_WIDTH)
        self.value = nn.Linear(width, width)
        # Depthwise over time: every feature of a part looks one frame back and one ahead.
        self.along = nn.Conv1d(width, width, 3, padding=1, groups=width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Padded) -> Padded:
        """``[B, T, P, D]`` -> the same shape."""
        x = self.space_norm(tokens.values)
        likeness = self.query(x) @ self.key(x).transpose(-1, -2) / self.key.out_features**0.5
        adjacency = (likeness + self.learned).softmax(-1)  # [B, T, P, P]
        tokens = Padded(tokens.values + nn.functional.gelu(adjacency @ self.value(x)), tokens.lengths).zeroed()
        x = tokens.map(self.time_norm).zeroed().values
        batch, steps, parts, width = x.shape
        x = self.along(x.permute(0, 2, 3, 1).reshape(batch * parts, width, steps))
        x = x.view(batch, parts, width, steps).permute(0, 3, 1, 2)  # [B, T, P, D]
        return Padded(tokens.values + self.out(nn.functional.gelu(x)), tokens.lengths).zeroed()
