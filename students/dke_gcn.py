"""DKE-GCN and light-DKE-GCN: CTR-GCN without its last blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from slr.released import ReleasedLayout
from students.ctr_gcn import CTRGCN
from students.ctr_gcn_released import DKE_GCN, LIGHT_DKE_GCN


class DKEGCN(CTRGCN):
    """The student of DKE-GCN (Liu et al., IEEE TCSVT 2024): CTR-GCN without its last block.

    The blocks, their widths and their strides are those of the published student. The two strides make a step of every
    four frames.
    """

    CHANNELS = (64, 64, 64, 64, 128, 128, 128, 256, 256)
    STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1)
    released: ClassVar[Mapping[str, ReleasedLayout]] = {"dke-gcn": DKE_GCN}


class LightDKEGCN(CTRGCN):
    """The light student of DKE-GCN (Liu et al., IEEE TCSVT 2024): CTR-GCN's first seven blocks.

    The blocks, their widths and their stride are those of the published student. For glosses the stride and one pooling
    make a step of every four frames.
    """

    CHANNELS = (64, 64, 64, 64, 128, 128, 128)
    STRIDES = (1, 1, 1, 1, 2, 1, 1)
    released: ClassVar[Mapping[str, ReleasedLayout]] = {"light-dke-gcn": LIGHT_DKE_GCN}
