"""Scores of several streams as those of one classifier, and the weights that were published for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STREAMS = ("joint", "bone", "joint-motion", "bone-motion")
QUANTITIES = ("logits", "probabilities")


@dataclass(frozen=True)
class Preset:
    """Published weights of the first streams of :data:`STREAMS`, what they weigh, and where they come from."""

    weights: tuple[float, ...]
    quantity: str
    source: str


_DSTA = "DSTA-SLR (Hu et al., LREC-COLING 2024), code"
_PYSKL = "pyskl (Duan et al., ACM MM 2022), read-me"

# Those of DSTA-SLR were found on the clips that they are reported on.
PRESETS: dict[str, Preset] = {
    "dsta-wlasl2000": Preset((1.7, 0.8, 0.5, 0.5), "logits", _DSTA),
    "dsta-wlasl1000": Preset((1.5, 0.6, 0.5, 0.1), "logits", _DSTA),
    "dsta-wlasl300": Preset((1.5, 0.7, 0.4, 0.4), "logits", _DSTA),
    "dsta-wlasl100": Preset((1.7, 1.2, 0.2, 0.3), "logits", _DSTA),
    "dsta-slr500": Preset((1.3, 1.3, 0.8, 1.0), "logits", _DSTA),
    "dsta-autsl": Preset((1.8, 0.5, 0.1, 0.7), "logits", _DSTA),
    "dsta-msasl1000": Preset((1.5, 0.6, 0.3, 0.8), "logits", _DSTA),
    "dsta-msasl500": Preset((1.6, 1.2, 0.6, 0.9), "logits", _DSTA),
    "dsta-msasl200": Preset((1.7, 0.5, 0.4, 0.6), "logits", _DSTA),
    "dsta-msasl100": Preset((1.9, 1.4, 0.3, 0.4), "logits", _DSTA),
    "pyskl-2": Preset((1.0, 1.0), "probabilities", _PYSKL),
    "pyskl-4": Preset((2.0, 2.0, 1.0, 1.0), "probabilities", _PYSKL),
    "ctr-gcn-2": Preset((1.0, 1.0), "logits", "CTR-GCN (Chen et al., ICCV 2021), code"),
    "ctr-gcn-3": Preset((0.6, 0.6, 0.4), "logits", "CTR-GCN (Chen et al., ICCV 2021), code"),
    "ctr-gcn-4": Preset((0.6, 0.6, 0.4, 0.4), "logits", "CTR-GCN (Chen et al., ICCV 2021), code"),
    "ms-g3d": Preset((1.0, 1.0), "logits", "MS-G3D (Liu et al., CVPR 2020), code"),
    "sl-gcn": Preset((1.0, 0.9, 0.5, 0.5), "logits", "SAM-SLR (Jiang et al., CVPR workshops 2021), code"),
}


def fuse(streams: Sequence[NDArray[np.floating]], weights: Sequence[float]) -> NDArray[np.float64]:
    """The weighted mean of the scores of several streams, ``[clips, classes]`` each.

    Raises:
        ValueError: when there are not as many weights as streams, one is negative or not finite, or all are 0; or when
            the streams differ in shape.
    """
    if len(weights) != len(streams) or not streams:
        raise ValueError(f"{len(weights)} weights for {len(streams)} streams: each needs one")
    if not all(np.isfinite(weight) and weight >= 0 for weight in weights) or not any(weights):
        raise ValueError(f"the weights are {', '.join(map(str, weights))}: none may be negative, and one is above 0")
    shapes = {stream.shape for stream in streams}
    if len(shapes) > 1:
        raise ValueError(
            f"streams of the shapes {sorted(shapes)} cannot be fused: all judge the same clips and classes"
        )
    total = np.zeros(streams[0].shape)
    for stream, weight in zip(streams, weights, strict=True):
        total += weight * stream.astype(np.float64)
    return total / sum(weights)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities over the last axis."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    np.exp(shifted, out=shifted)
    return shifted / shifted.sum(axis=-1, keepdims=True)
