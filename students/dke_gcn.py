"""DKE-GCN and light-DKE-GCN: CTR-GCN without its last blocks."""

from __future__ import annotations

from students.ctr_gcn import CTRGCNNetwork


class DKEGCN(CTRGCNNetwork):
    """The student of DKE-GCN (Liu et al., IEEE TCSVT 2024): CTR-GCN without its last block.

    The blocks, their widths and their strides are those of the published student; see
    :class:`~students.ctr_gcn.CTRGCNNetwork`. The two strides make a step of every four frames.
    """

    CHANNELS = (64, 64, 64, 64, 128, 128, 128, 256, 256)
    STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1)


class LightDKEGCN(CTRGCNNetwork):
    """The light student of DKE-GCN (Liu et al., IEEE TCSVT 2024): CTR-GCN's first seven blocks.

    The blocks, their widths and their stride are those of the published student; see
    :class:`~students.ctr_gcn.CTRGCNNetwork`. For glosses the stride and one pooling make a step of every four frames.
    """

    CHANNELS = (64, 64, 64, 64, 128, 128, 128)
    STRIDES = (1, 1, 1, 1, 2, 1, 1)
