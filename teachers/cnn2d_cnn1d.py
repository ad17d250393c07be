"""2DCNN+1DCNN: an image network per frame, a temporal convolution, CTC or the class of a clip."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from torch import Tensor, nn

from slr.layers import BiLSTM, ClassTail, NoContext, RecogniserTail, check_task, gather_valid, scatter_valid
from slr.types import NetOutput, Padded
from teachers.frame_encoder import SMALL, frame_encoder


class CNN2DCNN1D(nn.Module):
    """The plain RGB baseline of the TRKD tables: 2D CNN per frame, K5-P2-K5-P2 over time, optional BiLSTM.

    The paper gives no sizes; the arrangement is that of the VAC family (Min et al., ICCV 2021). ``backbone`` is
    ``"small"``, for frames of about 84 x 104 pixels on a CPU, or the name of any torchvision image classifier, with
    its published ``weights`` when they can be fetched. With ``hidden=0`` there is no BiLSTM.

    With ``task: class`` it tells isolated signs apart: the mean over all steps and one linear layer, logits
    ``[B, 1, V]`` without a blank.

    Taps: ``frame`` (after the image network), ``conv``, ``context``; for glosses ``conv_logits``, for a class
    ``pooled`` (the mean, one step).

    Raises:
        ValueError: when the task is unknown, or a head is to be shared where there is one.
    """

    input_stream = "rgb"

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: str = SMALL,
        weights: str | None = None,
        frame_size: Sequence[int] = (80, 100),
        channels: Sequence[int] = (32, 64, 96),
        frame_width: int = 128,
        width: int = 512,
        temporal_layers: str = "K5-P2-K5-P2",
        hidden: int = 256,
        recurrent_layers: int = 2,
        dropout: float = 0.3,
        shared_head: bool = False,
        task: str = "glosses",
    ) -> None:
        super().__init__()
        check_task(task, "2DCNN+1DCNN")
        if task == "class" and shared_head:
            raise ValueError("shared_head is about two heads: a network with task 'class' has one")
        self.encoder = frame_encoder(
            backbone, frame_size=frame_size, widths=channels, width=frame_width, weights=weights
        )
        tail = ClassTail if task == "class" else functools.partial(RecogniserTail, shared_head=shared_head)
        self.tail: RecogniserTail | ClassTail = tail(
            self.encoder.width,
            num_classes,
            context=BiLSTM(width, hidden, recurrent_layers, dropout) if hidden else NoContext(width),
            width=width,
            temporal_layers=temporal_layers,
            dropout=dropout,
        )

    @property
    def tap_widths(self) -> dict[str, int]:
        """Width of every tap."""
        return {"frame": self.encoder.width, **self.tail.tap_widths}

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        return self.tail.output_lengths(lengths)

    def forward(self, stream: Padded) -> NetOutput:
        """``[B, T, 3, H, W]`` frames in [-1, 1] -> ``[B, S, V]`` scores; one step for a class."""
        frame = scatter_valid(self.encoder(gather_valid(stream)), stream)
        output = self.tail(frame)
        return NetOutput(output.logits, {"frame": frame, **output.taps})
