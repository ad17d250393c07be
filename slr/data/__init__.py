"""Corpora and how their clips become batches: readers, keypoint stores, sampling, augmentation, pairing, batching."""

from slr.data.batching import BatchedDataset, LengthBucketSampler, loader, set_epoch
from slr.data.boston104 import Boston104
from slr.data.corpus import SPLITS, Clip, Corpus, Exclusion, pose_channels, without_test
from slr.data.csl_daily import CslDaily
from slr.data.dataset import Sample, SignDataset, collate
from slr.data.doctor import Finding, inspect
from slr.data.keypoints import KeypointStore, write_keypoints
from slr.data.phoenix2014 import Phoenix2014
from slr.data.phoenix2014t import Phoenix2014T
from slr.data.sampling import TemporalPlan
from slr.data.sfinge3d import Sfinge3D
from slr.data.transforms import (
    Brightness,
    ChannelGain,
    DropHands,
    DropJoints,
    Erase,
    Jitter,
    PosePipeline,
    RgbPipeline,
    Rotate,
    Scale,
    ShiftFrames,
    ShiftPose,
    TurnFrames,
)

__all__ = [
    "SPLITS",
    "BatchedDataset",
    "Boston104",
    "Brightness",
    "ChannelGain",
    "Clip",
    "Corpus",
    "CslDaily",
    "DropHands",
    "DropJoints",
    "Erase",
    "Exclusion",
    "Finding",
    "Jitter",
    "KeypointStore",
    "LengthBucketSampler",
    "Phoenix2014",
    "Phoenix2014T",
    "PosePipeline",
    "RgbPipeline",
    "Rotate",
    "Sample",
    "Scale",
    "Sfinge3D",
    "ShiftFrames",
    "ShiftPose",
    "SignDataset",
    "TemporalPlan",
    "TurnFrames",
    "collate",
    "inspect",
    "loader",
    "pose_channels",
    "set_epoch",
    "without_test",
    "write_keypoints",
]
