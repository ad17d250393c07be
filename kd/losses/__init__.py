"""Losses, one file each; every one is a :class:`~kd.losses.base.Loss`."""

from kd.losses.crd import CRD
from kd.losses.crd_bank import CRDBank
from kd.losses.ctc import CTC
from kd.losses.dkd import DKD
from kd.losses.frame_kl import FrameKL
from kd.losses.guided_ctc import GuidedCTC
from kd.losses.keypoint_regression import KeypointRegression
from kd.losses.self_distillation import SelfDistillation
from kd.losses.sequence_kd import SequenceKD
from kd.losses.shift_tolerant_kl import ShiftTolerantKL
from kd.losses.temporal_relation import TemporalRelation

__all__ = [
    "CRD",
    "CTC",
    "DKD",
    "CRDBank",
    "FrameKL",
    "GuidedCTC",
    "KeypointRegression",
    "SelfDistillation",
    "SequenceKD",
    "ShiftTolerantKL",
    "TemporalRelation",
]
