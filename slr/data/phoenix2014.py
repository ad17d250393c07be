"""RWTH-PHOENIX-Weather 2014 (Koller, Forster, Ney, CVIU 2015), read from the folder exactly as it is distributed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from slr.data.corpus import SPLITS, Clip, Exclusion, check_split, check_stream, gather_vocabulary
from slr.data.frames import decode_frames, list_frames
from slr.data.keypoints import KeypointStore, find_store
from slr.data.phoenix2014_folder import (
    BROKEN,
    SETUPS,
    find_features,
    find_folder,
    find_keypoints,
    keypoints_title,
    read_annotations,
    read_card,
)
from slr.skeleton import SkeletonLayout, skeleton_layout
from slr.vocabulary import Vocabulary


class Phoenix2014:
    """The corpus in its own folder, or any corpus laid out like it (the simulated corpus is).

    Below ``root``, or below the folder of the set-up in it, lie ``annotations/manual/SPLIT.corpus.csv``
    (``SPLIT.SI5.corpus.csv`` for SI5) and ``features/FEATURES/SPLIT/ID/1/*.png``. A ``CORPUS.json`` there, with
    ``name`` and optionally ``fps`` and ``frame_size``, renames the corpus: so simulated data never pass for Phoenix.
    Phoenix has 25 frames per second of 210 x 260 pixels, 9 signers, 5672 / 540 / 629 clips; the one training clip
    whose recording is broken is left out.

    Args:
        root: the release, or the folder of a set-up in it.
        setup: ``"multisigner"``, or ``"si5"`` where signer 5 is in dev and test only.
        features: folder below ``features`` that holds the frames; ``None`` when the frames are not at hand and the
            keypoints alone are read.
        keypoints: folder with one keypoint store per split (:mod:`slr.data.keypoints`), absolute or below ``root``;
            ``keypoints`` below ``root`` when left out. Stores in a folder of their own below it, such as
            ``keypoints/high``, are found there, and the name of the corpus says which they are.
        layout: joints to deliver, a layout or its name; every store must have them.
        exclude: further training clips to leave out, by id.

    Raises:
        ValueError: when a folder or an annotation file is missing, or an excluded clip is no training clip.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        setup: str = "multisigner",
        features: str | None = "fullFrame-210x260px",
        keypoints: Path | str | None = None,
        layout: str | SkeletonLayout = "sign-27",
        exclude: Sequence[str] = (),
    ) -> None:
        if setup not in SETUPS:
            raise ValueError(f"unknown set-up {setup!r} of Phoenix-2014: there are {', '.join(SETUPS)}")
        self._folder = find_folder(Path(root), setup)
        self._annotations = {
            split: self._folder / "annotations" / "manual" / f"{split}{SETUPS[setup][1]}" for split in SPLITS
        }
        for path in self._annotations.values():
            if not path.is_file():
                raise ValueError(f"the annotation file {path} is missing: the {setup} release of Phoenix-2014 has it")
        self._features = None if features is None else find_features(self._folder, features)
        self._keypoints = find_keypoints(Path(root), self._folder, keypoints)
        self.layout = skeleton_layout(layout)
        self._card = read_card([Path(root), self._folder])
        named = self._card.get("name", SETUPS[setup][2])
        self.name = ", ".join(filter(None, [named, keypoints_title(self._keypoints)]))
        self.fps = float(self._card.get("fps", 25.0))
        self._exclude = tuple(dict.fromkeys(exclude))
        self._clips: dict[str, list[Clip]] = {}
        self._lengths: dict[str, int] = {}
        self._stores: dict[str, tuple[KeypointStore, Tensor]] = {}
        self.excluded = self._exclusions()

    def clips(self, split: str) -> list[Clip]:
        """The clips of a split in the order of its annotation file, without the excluded ones."""
        excluded = {exclusion.clip for exclusion in self.excluded if exclusion.split == split}
        return [clip for clip in self._annotated(split) if clip.id not in excluded]

    def num_frames(self, clip: Clip) -> int:
        """Number of images of the clip; of keypoint frames when there are no images.

        Raises:
            ValueError: when the frames of the clip are not where they should be.
        """
        if clip.id not in self._lengths:
            if self._features is None:
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
        """Glosses of training (``"train"``: 1231 in Phoenix-2014) or of all splits (``"union"``: 1295)."""
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
        """Width and height in pixels, from ``CORPUS.json``, or else of the first training image or the keypoints."""
        if "frame_size" in self._card:
            width, height = self._card["frame_size"]
            return width, height
        if self._features is not None:
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

    def _annotated(self, split: str) -> list[Clip]:
        check_split(split)
        if split not in self._clips:
            self._clips[split] = read_annotations(self._annotations[split], split)
        return self._clips[split]

    def _exclusions(self) -> tuple[Exclusion, ...]:
        training = {clip.id for clip in self._annotated("train")}
        unknown = [clip for clip in self._exclude if clip not in training]
        if unknown:
            raise ValueError(
                f"clip {unknown[0]!r} cannot be excluded, it is no training clip of {self.name}: leaving out dev or "
                "test clips would change what a score means"
            )
        # What is broken in Phoenix is whole in a corpus that only took over its sentences.
        known = {} if self._card else BROKEN
        broken = [Exclusion(clip, "train", reason) for clip, reason in known.items() if clip in training]
        named = [Exclusion(clip, "train", "named in exclude") for clip in self._exclude if clip not in known]
        return (*broken, *named)

    def _images(self, clip: Clip) -> list[Path]:
        if self._features is None:
            raise ValueError(f"{self.name} was opened without its frames: give the folder below features to read RGB")
        return list_frames(self._features / clip.split, clip.source, clip.id)

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
