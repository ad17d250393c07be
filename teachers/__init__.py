"""Networks that read video and teach."""

from teachers.cnn2d_cnn1d import CNN2DCNN1D
from teachers.stsg_net import STSGNet

__all__ = ["CNN2DCNN1D", "STSGNet"]
