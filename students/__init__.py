"""Networks that read skeletons and learn."""

from students.aagcn import AAGCN, S8
from students.cosign import CoSign1S, CoSign2S
from students.ctr_gcn import CTRGCN
from students.dg_stgcn import DGSTGCN
from students.dke_gcn import DKEGCN, LightDKEGCN
from students.dsta_slr import DSTASLR
from students.joint_rnn import JointRNN
from students.landmark_transformer import LandmarkTransformer
from students.ms_g3d import MSG3D
from students.sl_gcn import SLGCN
from students.st_gcn import STGCN
from students.st_gcn_pp import STGCNPP
from students.stgt import STGT

__all__ = [
    "AAGCN",
    "CTRGCN",
    "DGSTGCN",
    "DKEGCN",
    "DSTASLR",
    "MSG3D",
    "S8",
    "SLGCN",
    "STGCN",
    "STGCNPP",
    "STGT",
    "CoSign1S",
    "CoSign2S",
    "JointRNN",
    "LandmarkTransformer",
    "LightDKEGCN",
]
