"""Networks that read video and teach."""

from teachers.cnn2d_cnn1d import CNN2DCNN1D
from teachers.i3d import I3D
from teachers.stsg_net import STSGNet
from teachers.vac_resnet import VACResNet

__all__ = ["CNN2DCNN1D", "I3D", "STSGNet", "VACResNet"]
