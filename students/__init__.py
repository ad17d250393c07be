"""Networks that read skeletons and learn."""

from students.cosign import CoSign1S, CoSign2S
from students.dke_gcn import DKEGCN, LightDKEGCN
from students.dsta_slr import DSTASLR
from students.joint_rnn import JointRNN
from students.landmark_transformer import LandmarkTransformer
from students.ms_g3d import MSG3D
from students.sl_gcn import SLGCN
from students.st_gcn import STGCN
from students.stgt import STGT

__all__ = [
    "DKEGCN",
    "DSTASLR",
    "MSG3D",
    "SLGCN",
    "STGCN",
    "STGT",
    "CoSign1S",
    "CoSign2S",
    "JointRNN",
    "LandmarkTransformer",
    "LightDKEGCN",
]
