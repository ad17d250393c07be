"""Isolated clips as samples and batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from slr.data.corpus import check_split
from slr.data.isolated.corpus import IsolatedClip, IsolatedCorpus
from slr.data.isolated.frames import RgbView
from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.data.seeding import sample_generator
from slr.data.transforms.ranges import check_range
from slr.types import Batch, Padded


@dataclass(frozen=True)
class IsolatedSample:
    """One clip as a network sees it: ``pose`` ``[T, P, J, C]``, its class, and the source ``frames`` ``[T]`` int64.

    ``rgb`` ``[T, 3, H, W]`` shows these frames, where they were asked for.
    """

    id: str
    label: int
    frames: Tensor
    pose: Tensor
    flipped: bool = False
    rgb: Tensor | None = None


class IsolatedDataset(Dataset[IsolatedSample]):
    """The clips of one part of a corpus, sent through a pipeline.

    All chance of a sample comes from ``(seed, epoch, clip id)``: it is the same sample in any worker, in any order and
    after any restart. Testing has no chance, unless a clip is shown in several ``views``: then its samples are drawn as
    in training, without augmentation, always the same ones.

    Args:
        corpus: where clips come from; training hands over the view :func:`~slr.data.isolated.without_test_clips`.
        split: ``"train"``, ``"dev"`` or ``"test"``.
        pipeline: what is done to a clip, in this order.
        training: augment, and draw another sample of a clip in every epoch.
        seed: the seed of all chance.
        views: samples of a clip in testing, one after the other.
        rgb: where frames come from, and what is done to them; without it there are keypoints alone.

    Raises:
        ValueError: when training is asked of the test split, the part has no clip, or views is below 1 or asked for in
            training.
    """

    def __init__(
        self,
        corpus: IsolatedCorpus,
        split: str,
        pipeline: Sequence[Transform] = (),
        *,
        training: bool = False,
        seed: int = 0,
        views: int = 1,
        rgb: RgbView | None = None,
    ) -> None:
        check_split(split)
        check_range("views", views, 1)
        if training and split == "test":
            raise ValueError("the test split is never trained on: train on 'train'")
        if training and views > 1:
            raise ValueError(f"views is {views}: several samples of a clip at once are for testing")
        self.corpus = corpus
        self.split = split
        self.pipeline = tuple(pipeline)
        self.training = training
        self.seed = seed
        self.views = views
        self.rgb = rgb
        self.clips: list[IsolatedClip] = corpus.clips(split)
        if not self.clips:
            raise ValueError(f"split {split!r} of {corpus.name} has no clip")
        # In shared memory: workers that outlive an epoch must see the new one.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def __len__(self) -> int:
        """Clips times views."""
        return len(self.clips) * self.views

    def __getitem__(self, index: int) -> IsolatedSample:
        """A sample; those of one clip follow each other."""
        clip, made = self.clips[index // self.views], self.processed(index)
        frames = made.frames.round().to(torch.int64)
        rgb = None
        if self.rgb is not None:
            augment = sample_generator(self.seed, self.epoch, clip.id, "rgb") if self.training else None
            rgb = self.rgb(clip.id, frames, flip=made.flipped, generator=augment)
        return IsolatedSample(clip.id, clip.label, frames, made.values, made.flipped, rgb)

    def processed(self, index: int) -> SkeletonClip:
        """A clip as it leaves the pipeline, with the names of its channels."""
        clip, view = self.clips[index // self.views], index % self.views
        pose = self.corpus.pose(clip)
        start = SkeletonClip.of(pose, self.corpus.layout, self.corpus.channels, self.corpus.frame_size)
        return run_pipeline(self.pipeline, start, self._chance(clip, view), clip.id)

    @property
    def epoch(self) -> int:
        """The epoch that samples are drawn for; 0 until :meth:`set_epoch`."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, also for loading processes that are already running."""
        self._epoch.fill_(epoch)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """The most steps that every sample can have, for making batches of like lengths."""
        most = [self.corpus.num_frames(clip) for clip in self.clips for _ in range(self.views)]
        for transform in self.pipeline:
            most = [transform.steps(frames) for frames in most]
        return tuple(most)

    def collate(self, samples: Sequence[IsolatedSample]) -> Batch:
        """Samples as a batch."""
        return collate_isolated(samples)

    def describe(self) -> dict[str, Any]:
        """What decides the input of networks, as plain JSON values; components rebuild the pipeline from it."""
        corpus = self.corpus
        rgb = {} if self.rgb is None else {"rgb": self.rgb.pipeline.describe()}
        return {
            **rgb,
            "fps": corpus.fps,
            "frame_size": corpus.frame_size and list(corpus.frame_size),
            "layout": corpus.layout.to_dict(),
            "channels": list(corpus.channels),
            "persons": corpus.persons,
            "units": corpus.units,
            "pipeline": [describe_transform(transform) for transform in self.pipeline],
        }

    def _chance(self, clip: IsolatedClip, view: int) -> Chance:
        if self.training:
            return Chance.training(sample_generator(self.seed, self.epoch, clip.id, "pose"))
        if self.views > 1:
            return Chance(view=sample_generator(0, view, clip.id, "view"))
        return Chance()


def run_pipeline(pipeline: Sequence[Transform], clip: SkeletonClip, chance: Chance, name: str) -> SkeletonClip:
    """Send a clip through a pipeline.

    Raises:
        ValueError: when a step leaves no frame, or what is not finite; step and clip are named.
    """
    for transform in pipeline:
        clip = transform(clip, chance)
        if len(clip) == 0:
            raise ValueError(f"{type(transform).__name__} leaves no frame of clip {name!r}")
    if not bool(clip.values.isfinite().all()):
        raise ValueError(f"the pipeline makes something that is not finite of clip {name!r}")
    return clip


def describe_transform(transform: Transform) -> dict[str, Any]:
    """The component that would build a transform."""
    settings = {field.name: getattr(transform, field.name) for field in fields(transform)}
    plain = {name: _plain(value) for name, value in settings.items()}
    return {"_target_": f"slr.data.isolated.{type(transform).__name__}", **plain}


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def collate_isolated(samples: Sequence[IsolatedSample]) -> Batch:
    """Samples as a padded batch: ``pose`` ``[B, T, P, J, C]``, or ``[B, T, J, C]`` where all have one person.

    ``rgb`` is ``[B, T, 3, H, W]`` where the samples have it.

    Raises:
        ValueError: when there is no sample.
    """
    if not samples:
        raise ValueError("cannot make a batch of no samples: a batch needs at least one clip")
    poses = [sample.pose for sample in samples]
    if poses[0].shape[1] == 1:
        poses = [pose.squeeze(1) for pose in poses]
    frames = [sample.rgb for sample in samples if sample.rgb is not None]
    return Batch(
        ids=tuple(sample.id for sample in samples),
        glosses=Padded.from_list([torch.zeros(0, dtype=torch.int64) for _ in samples]),
        frames=Padded.from_list([sample.frames for sample in samples]),
        pose=Padded.from_list(poses),
        rgb=Padded.from_list(frames) if frames else None,
        flipped=tuple(sample.flipped for sample in samples) if any(sample.flipped for sample in samples) else (),
        labels=torch.tensor([sample.label for sample in samples], dtype=torch.int64),
    )
