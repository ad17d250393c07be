"""Drop masks: in training, joints with their neighbours and spans of time are lost, sooner where features are large."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers import ValidSteps

_REACH = 20  # steps to either side that a dropped step takes along


class DropMasks(nn.Module):
    """DropGraph over joints and over time (Cheng et al., ECCV 2020), as SL-GCN and DSTA-SLR use it, in training only.

    A joint of a clip is a seed with a probability of ``1 - keep``, divided by the joints that a seed takes along on
    average, times the mean size of its features over time and channels, which is divided by the mean of all such sizes
    in the batch. Seeds and all joints that the graph connects with them become zero, and the rest grows by the share
    that is kept. Then steps likewise: a seed, with a probability of ``1 - keep`` over 41, takes along the 20 steps to
    either side in its clip.

    ``keep`` falls from 1 in equal parts over the first ``epochs`` epochs, see :meth:`set_epoch`; a module that is never
    told of an epoch is at the first one and keeps everything. Channels are shared out among ``groups`` with masks of
    their own.

    Args:
        keep: the rate that the schedule ends with.
        epochs: how long it takes to get there.
        groups: how many equal parts of the channels are masked on their own.

    Raises:
        ValueError: when ``keep`` is no rate, or ``epochs`` no number of epochs.
    """

    def __init__(self, keep: float = 0.9, epochs: int = 100, groups: int = 1) -> None:
        super().__init__()
        if not 0 < keep <= 1:
            raise ValueError(f"keep rate {keep} of drop masks: it must lie above 0 and not above 1")
        if epochs < 1:
            raise ValueError(f"a schedule of {epochs} epochs for drop masks: it takes at least 1")
        self.keep = keep
        self.active = False
        self.epochs = epochs
        self.groups = groups
        self.drop: Tensor  # a tensor, so that a compiled network is not compiled anew in every epoch
        self.register_buffer("drop", torch.zeros(()), persistent=False)

    def set_epoch(self, epoch: int) -> None:
        """Epoch ``epoch`` begins, counted from 0."""
        self.active = epoch > 0 and self.keep < 1
        self.drop.fill_((1 - self.keep) * min(epoch / self.epochs, 1.0))

    @property
    def drops(self) -> bool:
        """Whether anything is lost now."""
        return self.training and self.active

    def forward(self, x: Tensor, valid: ValidSteps, graph: Tensor) -> Tensor:
        """``[N, J, D]`` real steps -> the same, masked; as they are in evaluation.

        ``graph`` is ``[J, J]``, not zero where two joints go together, a joint and itself included.
        """
        if not self.drops:
            return x
        parts = x.unflatten(-1, (self.groups, -1))  # [N, J, G, D / G]
        sizes = parts.detach().abs().mean(-1, dtype=torch.float32)
        joints = self._joints(sizes, valid, (graph != 0).float())
        mask = joints * self._steps(joints * sizes, valid)
        return (parts * mask[..., None].to(x.dtype)).flatten(-2)

    def _joints(self, sizes: Tensor, valid: ValidSteps, graph: Tensor) -> Tensor:
        """``[N, J, G]``: 0 for the joints that a clip loses in a group, the same number above 1 for the others."""
        clips = valid.scatter(sizes)
        mean = clips.values.sum(1) / clips.lengths.clamp(min=1)[:, None, None]  # [B, J, G]
        seeds = _drawn(mean, self.drop * len(graph) / graph.sum())
        lost = torch.einsum("bvg,vw->bwg", seeds, graph) > 0
        return valid.gather(_rescaled(~lost)[:, None].expand_as(clips.values))

    def _steps(self, sizes: Tensor, valid: ValidSteps) -> Tensor:
        """``[N, 1, G]``: the same for the steps of each clip."""
        seeds = valid.scatter(_drawn(sizes.mean(1), self.drop / (2 * _REACH + 1))).values.transpose(1, 2)  # [B, G, T]
        lost = nn.functional.max_pool1d(seeds, 2 * _REACH + 1, stride=1, padding=_REACH) > 0
        return _rescaled(~valid.gather(lost.transpose(1, 2)))[:, None]


def _drawn(sizes: Tensor, rate: Tensor) -> Tensor:
    """1 with a probability of ``rate`` times the relative size, else 0: ``[..., G]``, each group for itself."""
    total = sizes.flatten(0, -2).mean(0)
    relative = sizes / total.clamp(min=torch.finfo(sizes.dtype).tiny)
    return (torch.rand_like(sizes) < rate * relative).to(sizes.dtype)


def _rescaled(kept: Tensor) -> Tensor:
    """Zero where not kept, elsewhere ``count / count kept``; of bool ``[..., G]``, each group for itself."""
    kept = kept.float()
    return kept / kept.flatten(0, -2).mean(0).clamp(min=torch.finfo(kept.dtype).tiny)
