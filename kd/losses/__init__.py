"""Losses, one file each; every one is a :class:`~kd.losses.base.Loss`."""

from kd.losses.attention_transfer import AttentionTransfer
from kd.losses.boundary_saliency import BoundarySaliency
from kd.losses.class_dkd import ClassDKD
from kd.losses.complementary import Complementary
from kd.losses.confidence import Confidence
from kd.losses.contextual_relation import ContextualRelation
from kd.losses.crd import CRD
from kd.losses.crd_bank import CRDBank
from kd.losses.cross_entropy import CrossEntropy
from kd.losses.ctc import CTC
from kd.losses.dkd import DKD
from kd.losses.fitnet import FitNet
from kd.losses.focal import Focal
from kd.losses.frame_kl import FrameKL
from kd.losses.guided_ctc import GuidedCTC
from kd.losses.keypoint_regression import KeypointRegression
from kd.losses.pairwise_margin import PairwiseMargin
from kd.losses.pkt import PKT
from kd.losses.rkd_angle import RKDAngle
from kd.losses.rkd_distance import RKDDistance
from kd.losses.self_distillation import SelfDistillation
from kd.losses.sequence_kd import SequenceKD
from kd.losses.shift_tolerant_kl import ShiftTolerantKL
from kd.losses.similarity_preserving import SimilarityPreserving
from kd.losses.temporal_relation import TemporalRelation

__all__ = [
    "CRD",
    "CTC",
    "DKD",
    "PKT",
    "AttentionTransfer",
    "BoundarySaliency",
    "CRDBank",
    "ClassDKD",
    "Complementary",
    "Confidence",
    "ContextualRelation",
    "CrossEntropy",
    "FitNet",
    "Focal",
    "FrameKL",
    "GuidedCTC",
    "KeypointRegression",
    "PairwiseMargin",
    "RKDAngle",
    "RKDDistance",
    "SelfDistillation",
    "SequenceKD",
    "ShiftTolerantKL",
    "SimilarityPreserving",
    "TemporalRelation",
]
