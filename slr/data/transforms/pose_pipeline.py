"""From keypoints in pixels to what a skeleton network reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from slr.data.transforms.normalise import (
    CentreNormalisation,
    FrameNormalisation,
    Normalisation,
    SignerNormalisation,
)
from slr.data.transforms.pose import PoseAugmentation, PoseSpace, mirror_pose
from slr.data.transforms.rgb_pipeline import check_fixed
from slr.skeleton import SkeletonLayout

NORMALISATIONS = ("frame", "signer", "centre")

# What the pipeline does beside its settings. It enters cache keys and checkpoints: change the words with the behaviour.
_FIXED = {"channels": "x, y, confidence", "missing": "0, 0, 0"}


class PosePipeline:
    """Forget uncertain joints, mirror, normalise, augment.

    Args:
        normalise: ``"signer"`` (:class:`SignerNormalisation`), ``"centre"`` (:class:`CentreNormalisation`) or
            ``"frame"`` (:class:`FrameNormalisation`).
        part_scale: factor on what hangs on a root, hands and face; has no meaning under ``"frame"``.
        min_confidence: joints below it count as missing, before anything else. Estimators that always answer
            (COCO-WholeBody) want about 0.3; 0 keeps every joint.
        augment: changes of the normalised keypoints in training, in this order.

    Raises:
        ValueError: when the normalisation is unknown or a number is out of range.
    """

    def __init__(
        self,
        *,
        normalise: str = "signer",
        part_scale: float = 3.0,
        min_confidence: float = 0.0,
        augment: Sequence[PoseAugmentation] = (),
    ) -> None:
        if normalise not in NORMALISATIONS:
            raise ValueError(f"unknown normalisation {normalise!r} of keypoints: there are {', '.join(NORMALISATIONS)}")
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence {min_confidence} is no confidence: it must lie between 0 and 1")
        self.normalise = normalise
        self.part_scale = part_scale
        self.min_confidence = min_confidence
        self.augment = tuple(augment)
        self._normalisation = _normalisation(normalise, part_scale)

    def __call__(
        self,
        pose: Tensor,
        layout: SkeletonLayout,
        frame_size: tuple[int, int],
        *,
        flip: bool = False,
        generator: Generator | None = None,
    ) -> Tensor:
        """``[T, J, C]`` place in pixels and confidence to normalised ``[T, J, C]``; random only with a generator."""
        confidence = pose[..., -1:]
        pose = torch.where((confidence > 0) & (confidence >= self.min_confidence), pose, 0.0)
        if flip:
            pose = mirror_pose(pose, layout, frame_size[0])
        pose = self._normalisation(pose, layout, frame_size)
        if generator is not None:
            space = PoseSpace(layout, self._normalisation.relative(layout))
            for augmentation in self.augment:
                pose = augmentation(pose, space, generator)
        return pose

    def describe(self) -> dict[str, Any]:
        """What the pipeline does at evaluation, as plain JSON values."""
        scale = {"part_scale": self.part_scale} if self.normalise != "frame" else {}
        return {"normalise": self.normalise, **scale, "min_confidence": self.min_confidence, **_FIXED}

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> PosePipeline:
        """The evaluation-time pipeline that :meth:`describe` described.

        Raises:
            ValueError: when another version of the pipeline described itself otherwise than this one works.
        """
        check_fixed(description, _FIXED, "pose")
        return cls(**{key: value for key, value in description.items() if key not in _FIXED})


def _normalisation(name: str, part_scale: float) -> Normalisation:
    if name == "frame":
        return FrameNormalisation()
    return SignerNormalisation(part_scale) if name == "signer" else CentreNormalisation(part_scale)
