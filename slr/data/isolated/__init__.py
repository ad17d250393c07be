"""Clips of one sign or action each: corpora, the store they are kept in, pipelines and batches."""

from slr.data.isolated.corpus import IsolatedClip, IsolatedCorpus, StoredCorpus, without_test_clips
from slr.data.isolated.dataset import IsolatedDataset, IsolatedSample, collate_isolated
from slr.data.isolated.doctor import inspect_isolated
from slr.data.isolated.readers import NTU, NWUCLA, WLASL50, NTUArchive
from slr.data.isolated.spec import ClipRow, ClipSource, StoreSpec
from slr.data.isolated.splits import held_out, stratified_folds
from slr.data.isolated.store import IsolatedStore
from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.data.isolated.transforms.frames import DropEmptyFrames, LongestPersonFirst
from slr.data.isolated.transforms.place import (
    AlignBody,
    AspectRatio,
    CentreOn,
    FrameToUnit,
    HandsOnWrists,
    MinMax,
    SizeOfBody,
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
from slr.data.isolated.transforms.turns import Mirror, RandomScale, RandomShift, RandomTurn, TurnWithin
from slr.data.isolated.writer import StoreWriter, write_store

__all__ = [
    "NTU",
    "NWUCLA",
    "WLASL50",
    "AlignBody",
    "AspectRatio",
    "CentreOn",
    "Chance",
    "ClipRow",
    "ClipSource",
    "CropResize",
    "DropEmptyFrames",
    "FrameToUnit",
    "HandsOnWrists",
    "IsolatedClip",
    "IsolatedCorpus",
    "IsolatedDataset",
    "IsolatedSample",
    "IsolatedStore",
    "LongestPersonFirst",
    "MinMax",
    "Mirror",
    "NTUArchive",
    "PadTo",
    "RandomScale",
    "RandomShift",
    "RandomTurn",
    "SampleSubset",
    "SampleWithReplacement",
    "SizeOfBody",
    "SkeletonClip",
    "StoreSpec",
    "StoreWriter",
    "StoredCorpus",
    "ToStream",
    "Transform",
    "TurnWithin",
    "UniformSample",
    "Window",
    "collate_isolated",
    "held_out",
    "inspect_isolated",
    "stratified_folds",
    "without_test_clips",
    "write_store",
]
