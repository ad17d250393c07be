"""Batch normalisation that sees real steps only."""

from __future__ import annotations

from torch import Tensor, nn

from slr.layers.valid import ValidSteps
from slr.types import Padded


class MaskedBatchNorm(nn.Module):
    """Batch normalisation over the real steps of all clips; padding comes out as zero.

    Equal to ``nn.BatchNorm1d`` on the concatenation of the clips (Ioffe and Szegedy, ICML 2015). Values are
    ``[B, T, D]`` or ``[B, T, J, D]``; in the latter every joint of a step is a sample.
    """

    def __init__(self, width: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, eps=eps, momentum=momentum)

    def forward(self, padded: Padded) -> Padded:
        """Normalise every real step."""
        valid = ValidSteps.of(padded.lengths, padded.values.shape[1])
        return valid.scatter(self.normalise(valid.gather(padded.values)))

    def normalise(self, rows: Tensor) -> Tensor:
        """Normalise ``[N, ..., D]`` rows that hold no padding.

        In training, one single row has no variance; like in evaluation it is normalised by the running statistics, and
        they stay as they are.
        """
        flat = rows.reshape(-1, rows.shape[-1])
        # Synchronised statistics span processes, and each of them must take part.
        if self.training and flat.shape[0] == 1 and not isinstance(self.norm, nn.SyncBatchNorm):
            norm = self.norm
            flat = nn.functional.batch_norm(
                flat, norm.running_mean, norm.running_var, norm.weight, norm.bias, False, 0.0, norm.eps
            )
        else:
            flat = self.norm(flat)
        return flat.view(rows.shape)
