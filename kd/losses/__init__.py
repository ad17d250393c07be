"""Losses, one file each; every one is a :class:`~kd.losses.base.Loss`."""

from kd.losses.complementary import Complementary
from kd.losses.crd import CRD
from kd.losses.crd_bank import CRDBank
from kd.losses.ctc import CTC
from kd.losses.frame_kl import FrameKL
from kd.losses.keypoint_regression import KeypointRegression
from kd.losses.temporal_relation import TemporalRelation

__all__ = ["CRD", "CTC", "CRDBank", "Complementary", "FrameKL", "KeypointRegression", "TemporalRelation"]
