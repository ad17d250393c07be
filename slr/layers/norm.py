"""Batch normalisation that sees real steps only, and the norm of transformers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers.valid import ValidSteps
from slr.types import Padded


class RMSNorm(nn.RMSNorm):
    """``x g / sqrt(mean(x^2) + eps)`` over the last axis (Zhang and Sennrich, NeurIPS 2019), in the precision of ``x``.

    Under autocast the gains ``g`` are wider than what they multiply: torch then leaves its fast way, and warns.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``[..., D]`` -> ``[..., D]``."""
        return nn.functional.rms_norm(x, list(self.normalized_shape), self.weight.to(x.dtype), self.eps)


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

    def normalise(
        self,
        rows: Tensor,
        *,
        offset: Tensor | None = None,
        plus: Tensor | None = None,
        relu: bool = False,
        features_first: bool = False,
    ) -> Tensor:
        """Normalise ``[N, ..., D]`` rows that hold no padding.

        In training, one single row has no variance; like in evaluation it is normalised by the running statistics, and
        they stay as they are.

        Args:
            rows: what is normalised.
            offset: ``[D]``, the bias of the layer in front. The result is that for ``rows + offset`` without the sum:
                in training a bias is idle here, and only the running mean knows of it. It gets no gradient.
            plus: what is added to the normalised rows; of their shape.
            relu: whether what is negative then becomes zero.
            features_first: whether rows are ``[G, D, N]``.
        """
        flat = self._normalised(rows if features_first else rows.reshape(-1, rows.shape[-1]), offset)
        # In place, and on the tensor itself: on a view of it, autograd would copy.
        if plus is not None:
            flat.add_(plus.reshape(flat.shape))
        if relu:
            flat.relu_()
        return flat.view(rows.shape)

    def _normalised(self, flat: Tensor, offset: Tensor | None) -> Tensor:
        """``[N, D]`` or ``[G, D, N]``."""
        norm = self.norm
        if isinstance(norm, nn.SyncBatchNorm):  # its statistics span processes, and each of them must take part
            return norm(flat if offset is None else flat + (offset if flat.ndim == 2 else offset[:, None]).detach())
        learns = self.training and flat.numel() > norm.num_features
        if learns and offset is None:
            return norm(flat)
        mean = norm.running_mean
        assert mean is not None
        seen = mean if offset is None else mean - offset.detach()  # the running mean of what stands here
        out = nn.functional.batch_norm(
            flat, seen, norm.running_var, norm.weight, norm.bias, learns, norm.momentum or 0.0, norm.eps
        )
        if learns and offset is not None and norm.num_batches_tracked is not None:
            with torch.no_grad():
                mean.copy_(seen + offset)
                norm.num_batches_tracked.add_(1)
        return out
