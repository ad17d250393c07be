"""Clips of a corpus as paired samples of a network's input streams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from slr.data.corpus import Clip, Corpus, check_split, check_stream
from slr.data.frame_cache import FrameCache
from slr.data.sampling import TemporalPlan
from slr.data.seeding import chance, sample_generator
from slr.data.transforms.pose_pipeline import PosePipeline
from slr.data.transforms.ranges import check_range
from slr.data.transforms.rgb_pipeline import RgbPipeline
from slr.types import Batch, Padded
from slr.vocabulary import Vocabulary


@dataclass(frozen=True)
class Sample:
    """One clip as networks see it.

    ``frames`` ``[T]`` are the source frames behind the steps of ``pose`` ``[T, J, C]``; ``rgb`` ``[ceil(T /
    rgb_stride), 3, H, W]`` shows every ``rgb_stride``-th of them. ``glosses`` ``[U]`` are gloss ids. A stream not
    asked for is ``None``.
    """

    id: str
    glosses: Tensor
    frames: Tensor
    rgb: Tensor | None
    pose: Tensor | None
    rgb_stride: int
    flipped: bool


class SignDataset(Dataset[Sample]):
    """The clips of one split, prepared and, in training, augmented.

    Both streams of a sample follow one temporal plan and one decision to flip. All chance of a sample comes from
    ``(seed, epoch, clip id)``: it is the same sample in any worker, in any order and after any restart. Evaluation
    (``training=False``) has no chance at all.

    A gloss that the vocabulary lacks is a fault in training. In dev and test it happens (Phoenix-2014: 38 of 5540 and
    45 of 6504 tokens) and the gloss cannot be a target: it is left out of ``Sample.glosses`` and counted in
    :attr:`unknown_glosses`, while :meth:`references` keeps it, so that scoring counts it as an error.

    Args:
        corpus: where clips come from; training hands over the view :func:`slr.data.corpus.without_test`.
        split: ``"train"``, ``"dev"`` or ``"test"``.
        vocabulary: gloss ids.
        streams: which of ``"rgb"`` and ``"pose"`` to load.
        plan: which frames a sample shows.
        rgb_pipeline: from frames to network input.
        pose_pipeline: from keypoints to network input.
        training: augment, and draw another sample of a clip in every epoch.
        seed: the seed of all chance.
        flip: probability of mirroring a training sample.
        rgb_stride: RGB shows every ``rgb_stride``-th step of the plan.
        frame_cache_mb: decoded and resized frames to keep in memory, in megabytes per process that loads data.

    Raises:
        ValueError: when an argument is out of range, the split has no clip, training is asked of the test split, or a
            training clip has a gloss outside the vocabulary.
    """

    def __init__(
        self,
        corpus: Corpus,
        split: str,
        vocabulary: Vocabulary,
        *,
        streams: Iterable[str] = ("rgb", "pose"),
        plan: TemporalPlan | None = None,
        rgb_pipeline: RgbPipeline | None = None,
        pose_pipeline: PosePipeline | None = None,
        training: bool = False,
        seed: int = 0,
        flip: float = 0.0,
        rgb_stride: int = 1,
        frame_cache_mb: float = 0,
    ) -> None:
        check_split(split)
        self.streams = frozenset(streams)
        for stream in self.streams:
            check_stream(stream)
        check_range("flip", flip, 0, 1)
        check_range("rgb_stride", rgb_stride, 1)
        if training and split == "test":
            raise ValueError("the test split is never trained on: train on 'train'")
        self.corpus = corpus
        self.split = split
        self.vocabulary = vocabulary
        self.plan = plan or TemporalPlan()
        self.rgb_pipeline = rgb_pipeline or RgbPipeline()
        self.pose_pipeline = pose_pipeline or PosePipeline()
        self.training = training
        self.seed = seed
        self.flip = flip
        self.rgb_stride = rgb_stride
        self.clips: list[Clip] = corpus.clips(split)
        if not self.clips:
            raise ValueError(f"split {split!r} of {corpus.name} has no clip")
        self._cache = FrameCache(frame_cache_mb)
        # In shared memory: workers that outlive an epoch must see the new one.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self.unknown_glosses = self._find_unknown()

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Sample:
        """The sample of clip ``index`` in the current epoch."""
        return self._sample(self.clips[index], self.training)

    def evaluation_sample(self, index: int, *, flip: bool = False, start: int = 0) -> Sample:
        """Clip ``index`` as evaluation sees it, whatever :attr:`training` says, mirrored or from a start if asked."""
        return self._sample(self.clips[index], False, flip, start)

    @property
    def epoch(self) -> int:
        """The epoch that samples are drawn for; 0 until :meth:`set_epoch`."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, also for loading processes that are already running."""
        self._epoch.fill_(epoch)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """The largest number of steps each clip's plan can have, for making batches."""
        return tuple(self.plan.bounds(self.corpus.num_frames(clip), training=self.training)[1] for clip in self.clips)

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Samples as a batch."""
        return collate(samples)

    def references(self) -> dict[str, tuple[str, ...]]:
        """The full transcript of every clip by its id, glosses outside the vocabulary included."""
        return {clip.id: clip.glosses for clip in self.clips}

    def describe(self) -> dict[str, Any]:
        """What decides the evaluation-time input of networks, as plain JSON values.

        ``from_description`` of the plan and the pipelines rebuilds each from its part.
        """
        described: dict[str, Any] = {
            "fps": self.corpus.fps,
            "frame_size": list(self.corpus.frame_size),
            "plan": self.plan.describe(),
        }
        if "rgb" in self.streams:
            described |= {"rgb": self.rgb_pipeline.describe(), "rgb_stride": self.rgb_stride}
        if "pose" in self.streams:
            described |= {"pose": self.pose_pipeline.describe(), "layout": self.corpus.layout.to_dict()}
        return described

    def _sample(self, clip: Clip, training: bool, flip: bool = False, start: int = 0) -> Sample:
        plan_chance, rgb_chance, pose_chance = (self._chance(clip, training, use) for use in ("plan", "rgb", "pose"))
        if plan_chance is None:
            frames = self.plan.whole(self.corpus.num_frames(clip), start)
        else:
            frames = self.plan.draw(self.corpus.num_frames(clip), plan_chance)
            flip = chance(plan_chance, self.flip)
        rgb = pose = None
        if "rgb" in self.streams:
            video = self._cache.read(clip.id, frames[:: self.rgb_stride], lambda some: self._load_frames(clip, some))
            rgb = self.rgb_pipeline(video, flip=flip, generator=rgb_chance)
        if "pose" in self.streams:
            keypoints = self.corpus.pose(clip, frames)
            pose = self.pose_pipeline(
                keypoints, self.corpus.layout, self.corpus.frame_size, flip=flip, generator=pose_chance
            )
        known = [gloss for gloss in clip.glosses if gloss in self.vocabulary]
        glosses = torch.tensor(self.vocabulary.encode(known, clip=clip.id), dtype=torch.int64)
        return Sample(clip.id, glosses, frames, rgb, pose, self.rgb_stride, flip)

    def _chance(self, clip: Clip, training: bool, purpose: str) -> torch.Generator | None:
        return sample_generator(self.seed, self.epoch, clip.id, purpose) if training else None

    def _load_frames(self, clip: Clip, frames: Tensor) -> Tensor:
        return self.rgb_pipeline.prepare(self.corpus.rgb(clip, frames))

    def _find_unknown(self) -> dict[str, tuple[str, ...]]:
        unknown: dict[str, tuple[str, ...]] = {}
        for clip in self.clips:
            if self.split == "train":
                self.vocabulary.encode(clip.glosses, clip=clip.id)
            outside = tuple(gloss for gloss in clip.glosses if gloss not in self.vocabulary)
            if outside:
                unknown[clip.id] = outside
        return unknown


def collate(samples: Sequence[Sample]) -> Batch:
    """Samples of one dataset as a padded batch.

    Raises:
        ValueError: when there is no sample.
    """
    if not samples:
        raise ValueError("cannot make a batch of no samples: a batch needs at least one clip")
    strides = {sample.rgb_stride for sample in samples}
    assert len(strides) == 1, f"samples of one batch differ in their rgb_stride: {strides}"
    return Batch(
        ids=tuple(sample.id for sample in samples),
        glosses=Padded.from_list([sample.glosses for sample in samples]),
        frames=Padded.from_list([sample.frames for sample in samples]),
        rgb=_pad([sample.rgb for sample in samples]),
        pose=_pad([sample.pose for sample in samples]),
        rgb_stride=strides.pop(),
        flipped=tuple(sample.flipped for sample in samples) if any(sample.flipped for sample in samples) else (),
    )


def _pad(streams: Sequence[Tensor | None]) -> Padded | None:
    present = [stream for stream in streams if stream is not None]
    assert len(present) in (0, len(streams)), "samples of one batch differ in their streams"
    return Padded.from_list(present) if present else None
