"""DKE-GCN and light-DKE-GCN: CTR-GCN without its last blocks."""

from __future__ import annotations

from students.ctr_gcn import CTRGCNRecogniser


class DKEGCN(CTRGCNRecogniser):
    """The student of DKE-GCN (Liu et al., IEEE TCSVT 2024) with a gloss head: CTR-GCN without its last block.

    The blocks, their widths and their strides are those of the published student; what stands behind them is said in
    :class:`~students.ctr_gcn.CTRGCNRecogniser`. The two strides make a step of every four frames.
    """

    CHANNELS = (64, 64, 64, 64, 128, 128, 128, 256, 256)
    STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1)
    TEMPORAL_LAYERS = "K5-K5"


class LightDKEGCN(CTRGCNRecogniser):
    """The light student of DKE-GCN (Liu et al., IEEE TCSVT 2024) with a gloss head: CTR-GCN's first seven blocks.

    The blocks, their widths and their stride are those of the published student; what stands behind them is said in
    :class:`~students.ctr_gcn.CTRGCNRecogniser`. The stride and one pooling make a step of every four frames.
    """

    CHANNELS = (64, 64, 64, 64, 128, 128, 128)
    STRIDES = (1, 1, 1, 1, 2, 1, 1)
    TEMPORAL_LAYERS = "K5-P2-K5"
