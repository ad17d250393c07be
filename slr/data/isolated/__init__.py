"""Clips of one sign or action each: corpora, the store they are kept in, pipelines and batches."""

from slr.data.isolated.corpus import IsolatedClip, IsolatedCorpus, StoredCorpus, without_test_clips
from slr.data.isolated.dataset import IsolatedDataset, IsolatedSample, collate_isolated
from slr.data.isolated.doctor import inspect_isolated
from slr.data.isolated.frames import ClipFrames, FrameFolders, RgbView
from slr.data.isolated.mixup import MixedBatch, MixUp
from slr.data.isolated.readers import (
    DSTA,
    NTU,
    NWUCLA,
    WLASL,
    WLASL50,
    Kinetics,
    LabelTable,
    NTUArchive,
    Pyskl,
    TableFolder,
    read_classes,
)
from slr.data.isolated.spec import ClipRow, ClipSource, StoreSpec
from slr.data.isolated.splits import held_out, stratified_folds
from slr.data.isolated.store import IsolatedStore
from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.data.isolated.transforms.frames import (
    DropEmptyFrames,
    DropFramesWithout,
    LongestPersonFirst,
    MatchPersons,
    TrimStart,
)
from slr.data.isolated.transforms.learned import LearnedTransform, Standardise
from slr.data.isolated.transforms.losing import LoseGroups, LoseJoints, MaskBox
from slr.data.isolated.transforms.noise import DetectorNoise, GaussianNoise, LocalDistortion
from slr.data.isolated.transforms.place import (
    AlignBody,
    AspectRatio,
    CentreOn,
    FrameToUnit,
    HandsOnWrists,
    MinMax,
    SizeOfBody,
    UnitSpread,
)
from slr.data.isolated.transforms.sampling import (
    CropResize,
    PadTo,
    SampleSubset,
    SampleWithReplacement,
    UniformSample,
    Window,
)
from slr.data.isolated.transforms.streams import ToStream
from slr.data.isolated.transforms.times import (
    DropFrames,
    MaskTime,
    MeanBins,
    SplineSpeed,
    TemporalCrop,
    TimeWarp,
)
from slr.data.isolated.transforms.turns import Mirror, RandomScale, RandomShift, RandomTurn, TurnWithin
from slr.data.isolated.transforms.views import (
    Camera,
    KeepChannels,
    RandomAffine,
    RandomMove,
    ShiftBy,
    WithMotion,
)
from slr.data.isolated.writer import StoreWriter, write_store

__all__ = [
    "DSTA",
    "NTU",
    "NWUCLA",
    "WLASL",
    "WLASL50",
    "AlignBody",
    "AspectRatio",
    "Camera",
    "CentreOn",
    "Chance",
    "ClipFrames",
    "ClipRow",
    "ClipSource",
    "CropResize",
    "DetectorNoise",
    "DropEmptyFrames",
    "DropFrames",
    "DropFramesWithout",
    "FrameFolders",
    "FrameToUnit",
    "GaussianNoise",
    "HandsOnWrists",
    "IsolatedClip",
    "IsolatedCorpus",
    "IsolatedDataset",
    "IsolatedSample",
    "IsolatedStore",
    "KeepChannels",
    "Kinetics",
    "LabelTable",
    "LearnedTransform",
    "LocalDistortion",
    "LongestPersonFirst",
    "LoseGroups",
    "LoseJoints",
    "MaskBox",
    "MaskTime",
    "MatchPersons",
    "MeanBins",
    "MinMax",
    "Mirror",
    "MixUp",
    "MixedBatch",
    "NTUArchive",
    "PadTo",
    "Pyskl",
    "RandomAffine",
    "RandomMove",
    "RandomScale",
    "RandomShift",
    "RandomTurn",
    "RgbView",
    "SampleSubset",
    "SampleWithReplacement",
    "ShiftBy",
    "SizeOfBody",
    "SkeletonClip",
    "SplineSpeed",
    "Standardise",
    "StoreSpec",
    "StoreWriter",
    "StoredCorpus",
    "TableFolder",
    "TemporalCrop",
    "TimeWarp",
    "ToStream",
    "Transform",
    "TrimStart",
    "TurnWithin",
    "UniformSample",
    "UnitSpread",
    "Window",
    "WithMotion",
    "collate_isolated",
    "held_out",
    "inspect_isolated",
    "read_classes",
    "stratified_folds",
    "without_test_clips",
    "write_store",
]
