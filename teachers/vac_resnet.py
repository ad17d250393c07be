"""The ResNet baseline of the VAC family: what most published RGB recognisers of continuous signing begin from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn

from slr.layers import BiLSTM, RecogniserTail, gather_valid, scatter_valid
from slr.released import ReleasedLayout
from slr.types import NetOutput, Padded
from teachers.resnet import FrameResNet
from teachers.vac_released import VAC, VAC_SMKD


class VACResNet(nn.Module):
    """ResNet18 per frame, K5-P2-K5-P2 over time, BiLSTM, a head on each of the two.

    The baseline of VAC (Min et al., "Visual Alignment Constraint for Continuous Sign Language Recognition", ICCV 2021),
    from which SMKD, TLP, SEN, CorrNet and AdaptSign start: 34.3 million parameters with 1296 classes. VAC itself is
    CTC on both heads and ``kd.losses.SelfDistillation`` with weight 25 (``configs/train_vac.yaml``); SMKD (Hao et al.,
    ICCV 2021) makes both heads one with normalised columns, ``head: normalised`` and ``shared_head: true``
    (``configs/train_smkd.yaml``). What CorrNet adds, correlation between neighbouring frames, is not here.

    Released checkpoints of both kinds are read: ``scripts/prepare.py weights FILE --layout vac`` or ``vac-smkd``.

    Every real frame is encoded once, so batch norm sees no padding. Clips are continued by their first and last frame,
    as the published code pads its videos before the network sees them, so that ``T`` frames make ``ceil(T / 4)`` steps.

    Taps: ``frame`` (after the ResNet), ``conv``, ``context``, ``conv_logits``.

    Args:
        num_classes: the glosses and the blank.
        weights: name of torchvision's weights to begin from, ``"DEFAULT"`` for those of the published training.
        channels: of the four stages of the ResNet; narrower ones for small frames on a CPU.
        blocks: of the four stages of the ResNet.
        width: of the temporal convolution.
        temporal_layers: kernels and poolings over time.
        border: what lies beyond a clip, see :class:`~slr.layers.TemporalConv`; ``none`` for clips that were padded as
            the published code pads them.
        hidden: of the BiLSTM, per direction.
        recurrent_layers: of the BiLSTM.
        dropout: between the layers of the BiLSTM.
        tail_dropout: on the features that the BiLSTM and the heads read; the published training has none.
        head: ``linear``, ``normalised`` or ``cosine``.
        shared_head: whether both heads are one; ``width`` has to be twice ``hidden`` then.

    Raises:
        ValueError: when the arguments do not fit together, or the weights cannot be fetched.
    """

    input_stream = "rgb"
    released: ClassVar[Mapping[str, ReleasedLayout]] = {"vac": VAC, "vac-smkd": VAC_SMKD}

    def __init__(
        self,
        *,
        num_classes: int,
        weights: str | None = None,
        channels: Sequence[int] = (64, 128, 256, 512),
        blocks: Sequence[int] = (2, 2, 2, 2),
        width: int = 1024,
        temporal_layers: str = "K5-P2-K5-P2",
        border: str = "repeat",
        hidden: int = 512,
        recurrent_layers: int = 2,
        dropout: float = 0.3,
        tail_dropout: float = 0.0,
        head: str = "linear",
        shared_head: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = FrameResNet(channels, blocks, weights)
        self.tail = RecogniserTail(
            self.encoder.width,
            num_classes,
            context=BiLSTM(width, hidden, recurrent_layers, dropout),
            width=width,
            temporal_layers=temporal_layers,
            border=border,
            conv_bias=True,
            head=head,
            shared_head=shared_head,
            dropout=tail_dropout,
        )

    @property
    def tap_widths(self) -> dict[str, int]:
        """Width of every tap."""
        return {"frame": self.encoder.width, **self.tail.tap_widths}

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        return self.tail.output_lengths(lengths)

    def forward(self, stream: Padded) -> NetOutput:
        """``[B, T, 3, H, W]`` frames in [-1, 1] -> ``[B, S, V]`` scores."""
        frame = scatter_valid(self.encoder(gather_valid(stream)), stream)
        output = self.tail(frame)
        return NetOutput(output.logits, {"frame": frame, **output.taps})
