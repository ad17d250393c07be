"""Corpora whose frames are images in a folder per clip, and whose keypoints are stores, one per split."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from slr.data.corpus import Clip, Exclusion, check_split, check_stream, gather_vocabulary
from slr.data.frames import decode_frames
from slr.data.keypoints import KeypointStore, find_store
from slr.skeleton import SkeletonLayout, skeleton_layout
from slr.vocabulary import Vocabulary


class FrameCorpus(ABC):
    """What the readers of such corpora share; a reader says what is annotated, and where the images of a clip lie.

    Args:
        name: printed beside every result.
        fps: frames per second.
        layout: joints to deliver, a layout or its name; every store must have them.
        keypoints: folder of the keypoint stores (:mod:`slr.data.keypoints`), which may be missing until they are read.
        frames: whether there are images; without them the keypoints alone are read.
        frame_size: width and height in pixels; that of the first training image, or of the keypoints, when left out.
        broken: training clips whose recording is known to be broken, and why; they are left out.
        exclude: further training clips to leave out, by id.

    Raises:
        ValueError: when an excluded clip is no training clip.
    """

    def __init__(
        self,
        *,
        name: str,
        fps: float,
        layout: str | SkeletonLayout,
        keypoints: Path,
        frames: bool,
        frame_size: tuple[int, int] | None = None,
        broken: Mapping[str, str] | None = None,
        exclude: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.fps = fps
        self.layout = skeleton_layout(layout)
        self._keypoints = keypoints
        self._has_frames = frames
        self._stated_size = frame_size
        self._clips: dict[str, list[Clip]] = {}
        self._lengths: dict[str, int] = {}
        self._stores: dict[str, tuple[KeypointStore, Tensor]] = {}
        self.excluded = self._exclusions(broken or {}, tuple(dict.fromkeys(exclude)))

    @abstractmethod
    def _annotated(self, split: str) -> list[Clip]:
        """The clips that are annotated in a split, in order."""

    @abstractmethod
    def _list_images(self, clip: Clip) -> list[Path]:
        """The images of a clip, in order; a ValueError when there are none."""

    def clips(self, split: str) -> list[Clip]:
        """The clips of a split in the order of its annotations, without the excluded ones."""
        excluded = {exclusion.clip for exclusion in self.excluded if exclusion.split == split}
        return [clip for clip in self._listed(split) if clip.id not in excluded]

    def num_frames(self, clip: Clip) -> int:
        """Number of images of the clip; of keypoint frames when there are no images.

        Raises:
            ValueError: when the frames of the clip are not where they should be.
        """
        if clip.id not in self._lengths:
            if not self._has_frames:
                self._lengths[clip.id] = self._store(clip.split)[0].num_frames(clip.id)
            else:
                self._lengths[clip.id] = len(self._images(clip))
        return self._lengths[clip.id]

    def rgb(self, clip: Clip, frames: Tensor) -> Tensor:
        """Frames of the clip, ``[T, 3, H, W]`` uint8; a frame asked for twice is decoded once.

        Raises:
            ValueError: when frames are missing, unreadable or of unequal size, or the corpus was opened without them.
        """
        images = self._images(clip)
        wanted, places = frames.unique(return_inverse=True)
        assert len(wanted) == 0 or 0 <= int(wanted[0]) <= int(wanted[-1]) < len(images), f"no such frame in {clip.id}"
        video = decode_frames([images[index] for index in wanted.tolist()], clip.id)[places]
        width, height = self.frame_size
        if video.shape[-2:] != (height, width):
            raise ValueError(
                f"the frames of clip {clip.id!r} have {video.shape[-1]}x{video.shape[-2]} pixels and those of "
                f"{self.name} {width}x{height}: all clips of a corpus must have one size"
            )
        return video

    def pose(self, clip: Clip, frames: Tensor) -> Tensor:
        """Keypoints ``[T, J, 3]`` of the clip in :attr:`layout`, in pixels of :attr:`frame_size`.

        Keypoints found in frames of another size are scaled to this one.

        Raises:
            ValueError: when the store lacks the clip or has another number of frames than there are images.
        """
        store, selection = self._store(clip.split)
        keypoints = store.read(clip.id)
        if len(keypoints) != self.num_frames(clip):
            raise ValueError(
                f"clip {clip.id!r} has {self.num_frames(clip)} images and {len(keypoints)} frames of keypoints in "
                f"{store.path}: run the keypoint estimator on all its images"
            )
        return _rescaled(keypoints[frames][:, selection], store.size, self.frame_size)

    def vocabulary(self, over: str = "train") -> Vocabulary:
        """Glosses of training (``"train"``) or of all splits (``"union"``)."""
        return gather_vocabulary(self, over)

    def fingerprint(self, clip: Clip, stream: str = "rgb") -> str:
        """Names and sizes of all images with the bytes of the first, middle and last; or all keypoints."""
        check_stream(stream)
        digest = hashlib.sha256(f"{stream} {clip.id}".encode())
        if stream == "pose":
            digest.update(self.pose(clip, torch.arange(self.num_frames(clip))).numpy().tobytes())
            return digest.hexdigest()[:16]
        images = self._images(clip)
        for image in images:
            digest.update(f"\0{image.name} {image.stat().st_size}".encode())
        for index in (0, len(images) // 2, -1):
            digest.update(images[index].read_bytes())
        return digest.hexdigest()[:16]

    @cached_property
    def frame_size(self) -> tuple[int, int]:
        """Width and height in pixels: as stated, or else of the first training image or the keypoints."""
        if self._stated_size is not None:
            return self._stated_size
        if self._has_frames:
            return self._first_image_size()
        store = self._store("train")[0]
        if store.size is None:
            raise ValueError(f"{store.path} does not say in what size of frame its keypoints lie: add width and height")
        return store.size

    def _first_image_size(self) -> tuple[int, int]:
        fault: ValueError | None = None
        for clip in self.clips("train"):
            try:
                images = self._images(clip)
            except ValueError as missing:  # said again when the clip itself is read
                fault = fault or missing
                continue
            first = decode_frames(images[:1], clip.id)
            return int(first.shape[-1]), int(first.shape[-2])
        raise ValueError(f"{self.name} has no training frames to tell their size: {fault}")

    def _listed(self, split: str) -> list[Clip]:
        check_split(split)
        if split not in self._clips:
            self._clips[split] = self._annotated(split)
        return self._clips[split]

    def _exclusions(self, broken: Mapping[str, str], exclude: Sequence[str]) -> tuple[Exclusion, ...]:
        training = {clip.id for clip in self._listed("train")}
        unknown = [clip for clip in exclude if clip not in training]
        if unknown:
            raise ValueError(
                f"clip {unknown[0]!r} cannot be excluded, it is no training clip of {self.name}: leaving out dev or "
                "test clips would change what a score means"
            )
        known = [Exclusion(clip, "train", reason) for clip, reason in broken.items() if clip in training]
        named = [Exclusion(clip, "train", "named in exclude") for clip in exclude if clip not in broken]
        return (*known, *named)

    def _images(self, clip: Clip) -> list[Path]:
        if not self._has_frames:
            raise ValueError(f"{self.name} was opened without its frames: give the folder below features to read RGB")
        return self._list_images(clip)

    def _store(self, split: str) -> tuple[KeypointStore, Tensor]:
        if split not in self._stores:
            if not self._keypoints.is_dir():
                raise ValueError(
                    f"there are no keypoints at {self._keypoints}: run a keypoint estimator, or name their folder"
                )
            store = KeypointStore.open(find_store(self._keypoints, split))
            self._stores[split] = (store, self.layout.selection_from(store.layout))
        return self._stores[split]


def _rescaled(keypoints: Tensor, stored: tuple[int, int] | None, wanted: tuple[int, int]) -> Tensor:
    if stored is None or stored == wanted:
        return keypoints
    scale = keypoints.new_tensor(wanted) / keypoints.new_tensor(stored)
    # Pixel centres lie at whole numbers, so the left edge of a frame is at -0.5.
    position = (keypoints[..., :2] + 0.5) * scale - 0.5
    return torch.where(keypoints[..., 2:] > 0, torch.cat([position, keypoints[..., 2:]], dim=-1), 0.0)
