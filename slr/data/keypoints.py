"""Keypoint stores: the estimated joints of every clip of one split, in one file or one folder.

Three kinds are read, told apart by their path:

``SPLIT.safetensors``
    What :func:`write_keypoints` writes, and the one to prefer: one tensor per clip id, ``[T, J, 3]`` float16 or
    float32, with metadata ``format`` (``slr-keypoints-1``), ``layout``, ``width`` and ``height``. Memory-mapped.
``SPLIT.npz``
    Read with ``allow_pickle=False``. Either ragged, ``joints [sum of T, J, 3]``, ``offsets [N + 1]`` and ``ids [N]``,
    or one ``[T, J, 3]`` array per clip id; with both a text ``layout``, and optionally numbers ``width`` and
    ``height``.
``SPLIT/``
    A folder of ``ID.pose`` files of the pose-format package, see :mod:`slr.data.pose_files`.

A keypoint is x and y in pixels of the full frame (the middle of the top left pixel is 0, 0) and a confidence from 0
to 1. Confidence 0 means missing; a coordinate that is not finite is a fault of the store and is refused. float16
keeps eleven significant bits: between 128 and 256 pixels it resolves 0.125 pixels, between 256 and 512 pixels 0.25,
above 1024 only whole pixels. That is finer than any estimator for Phoenix's 210x260 frames; write float32 for frames
above 512 pixels.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from slr.files import whole_file
from slr.skeleton import SkeletonLayout, skeleton_layout

FORMAT = "slr-keypoints-1"
# What reading an array of a spoilt zip file raises, by where it is spoilt.
_DAMAGED = (zlib.error, zipfile.BadZipFile, ValueError, KeyError, IndexError, OSError, EOFError)
STORE_ENDINGS = (".safetensors", ".npz", "")  # after the name of a split; "" for a folder


class KeypointStore(ABC):
    """The keypoints of many clips in one stored ``layout``.

    ``size`` is the width and height of the frames in which the keypoints were found, or ``None`` when the store does
    not say. A store may be sent to another process; it opens its file again there.
    """

    path: Path
    layout: SkeletonLayout
    size: tuple[int, int] | None

    @staticmethod
    def open(path: Path | str) -> KeypointStore:
        """Open a store of any kind without reading its keypoints.

        Raises:
            ValueError: when there is no store at ``path``, or it is none of the three kinds.
        """
        path = Path(path)
        if path.is_dir():
            from slr.data.pose_files import PoseFolder

            return PoseFolder(path)
        if not path.is_file():
            raise ValueError(f"there is no keypoint store at {path}: give a .safetensors or .npz file or a folder")
        if path.suffix == ".safetensors":
            return SafetensorsStore(path)
        if path.suffix == ".npz":
            return NpzStore(path)
        raise ValueError(
            f"{path} is no keypoint store: it must be a .safetensors or .npz file or a folder of .pose files"
        )

    def read(self, clip: str) -> Tensor:
        """All keypoints of a clip, ``[T, J, 3]`` float32 in the stored layout.

        Raises:
            ValueError: when the store lacks the clip, its shape is not that of the layout, a value is not finite, or a
                confidence lies outside 0 to 1; clip, frame and joint are named.
        """
        self._demand(clip)
        keypoints = self._read(clip).to(torch.float32)
        check_keypoints(keypoints, clip, self.layout, str(self.path))
        return keypoints

    def num_frames(self, clip: str) -> int:
        """Number of frames that the store holds of a clip, without reading them where the kind of store allows.

        Raises:
            ValueError: when the store lacks the clip.
        """
        self._demand(clip)
        return self._num_frames(clip)

    @abstractmethod
    def __contains__(self, clip: object) -> bool: ...

    @abstractmethod
    def _read(self, clip: str) -> Tensor: ...

    @abstractmethod
    def _num_frames(self, clip: str) -> int: ...

    def _demand(self, clip: str) -> None:
        if clip not in self:
            raise ValueError(f"{self.path} holds no keypoints of clip {clip!r}: run the estimator on it, or exclude it")


def write_keypoints(
    path: Path | str,
    clips: Mapping[str, Tensor | np.ndarray],
    *,
    layout: str,
    size: tuple[int, int],
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write the keypoints of a split as one ``.safetensors`` store, whole or not at all.

    Args:
        path: the file to write.
        clips: ``[T, J, 3]`` keypoints by clip id: x, y in pixels, confidence 0 to 1, 0 for missing.
        layout: name of the skeleton layout of the joints.
        size: width and height of the frames in pixels.
        dtype: ``torch.float16``, or ``torch.float32`` for frames above 512 pixels.

    Raises:
        ValueError: when the path has another ending, there is no clip, or the keypoints of a clip are not as above.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path} must end in .safetensors: that is the format keypoints are written in")
    if not clips:
        raise ValueError(f"there are no keypoints to write to {path}: give at least one clip")
    if dtype not in (torch.float16, torch.float32):
        raise ValueError(f"keypoints are stored as float16 or float32, not {dtype}")
    skeleton = skeleton_layout(layout)
    tensors: dict[str, Tensor] = {}
    for clip, values in clips.items():
        tensors[clip] = torch.as_tensor(values).to(dtype).contiguous()
        # The check follows the conversion: float16 turns what lies beyond 65504 pixels into infinity.
        check_keypoints(tensors[clip], clip, skeleton, str(path))
    metadata = {"format": FORMAT, "layout": layout, "width": str(size[0]), "height": str(size[1])}
    with whole_file(path) as temporary:
        save_file(tensors, temporary, metadata=metadata)


def find_store(folder: Path, split: str) -> Path:
    """The one store of a split in a folder of stores.

    Raises:
        ValueError: when there is none or more than one.
    """
    candidates = [folder / f"{split}{ending}" for ending in STORE_ENDINGS]
    found = [path for path in candidates if path.exists()]
    if not found:
        levels = sorted(path.name for path in folder.glob("*/") if (path / f"{split}.safetensors").is_file())
        hint = f"; did you mean one of its folders {', '.join(levels)}?" if levels else ""
        raise ValueError(f"there are no keypoints of split {split!r} in {folder}: expected {candidates[0]}{hint}")
    if len(found) > 1:
        raise ValueError(
            f"{folder} holds the keypoints of {split!r} twice, as {found[0].name} and {found[1].name}: keep one"
        )
    return found[0]


def check_keypoints(keypoints: Tensor, clip: str, layout: SkeletonLayout, where: str) -> None:
    """Raise a ValueError that names what is wrong with ``[T, J, 3]`` keypoints."""
    if keypoints.ndim != 3 or keypoints.shape[1:] != (len(layout), 3) or len(keypoints) == 0:
        raise ValueError(
            f"the keypoints of clip {clip!r} in {where} have shape {list(keypoints.shape)}, but layout {layout.name!r} "
            f"asks for [frames, {len(layout)}, 3]"
        )
    finite = keypoints.isfinite()
    if not bool(finite.all()):
        frame, joint = (int(i) for i in (~finite).any(-1).nonzero()[0])
        raise ValueError(
            f"the keypoint of joint {layout.joints[joint]!r} in frame {frame} of clip {clip!r} in {where} is not "
            "finite: store 0, 0 with confidence 0 for a missing joint"
        )
    confidence = keypoints[..., 2]
    outside = (confidence < 0) | (confidence > 1)
    if bool(outside.any()):
        frame, joint = (int(i) for i in outside.nonzero()[0])
        raise ValueError(
            f"the confidence of joint {layout.joints[joint]!r} in frame {frame} of clip {clip!r} in {where} is "
            f"{float(confidence[frame, joint]):g}: it must lie between 0 and 1, so rescale the estimator's scores"
        )


class SafetensorsStore(KeypointStore):
    """A ``.safetensors`` store, read through a memory map."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: Any = None
        metadata = self._file.metadata() or {}
        if metadata.get("format") != FORMAT:
            raise ValueError(f"{path} is no keypoint store: its metadata lack the format {FORMAT!r}")
        self.layout = _stored_layout(metadata.get("layout"), path)
        self.size = _stored_size(metadata, path)
        self._ids = frozenset(self._file.keys())

    def __contains__(self, clip: object) -> bool:
        return clip in self._ids

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_handle": None}

    @property
    def _file(self) -> Any:
        if self._handle is None:
            try:
                self._handle = safe_open(self.path, framework="pt")
            except SafetensorError as fault:
                raise ValueError(
                    f"{self.path} cannot be read as safetensors ({fault}): write the store again"
                ) from fault
        return self._handle

    def _read(self, clip: str) -> Tensor:
        return self._file.get_tensor(clip)

    def _num_frames(self, clip: str) -> int:
        return int(self._file.get_slice(clip).get_shape()[0])


class NpzStore(KeypointStore):
    """An ``.npz`` store, ragged or with one array per clip; a ragged one is held in memory after its first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: Any = None
        self._process = -1
        self._joints_array: np.ndarray | None = None
        names = set(self._file.files)
        self.layout = _stored_layout(str(self._member("layout")) if "layout" in names else None, path)
        told = {name: self._member(name) for name in ("width", "height") if name in names}
        self.size = _stored_size(told, path) if len(told) == 2 else None
        self._spans: dict[str, tuple[int, int]] | None = None
        if {"joints", "offsets"} <= names:
            self._spans = self._read_spans(names)
            self._ids = frozenset(self._spans)
        else:
            self._ids = frozenset(names - {"layout", "width", "height"})

    def __contains__(self, clip: object) -> bool:
        return clip in self._ids

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_handle": None}

    @property
    def _file(self) -> Any:
        # Processes that share an open zip file after a fork would share its read position too.
        if self._handle is None or self._process != os.getpid():
            try:
                self._handle = np.load(self.path, allow_pickle=False)
            except (zipfile.BadZipFile, ValueError, OSError) as fault:
                raise ValueError(f"{self.path} cannot be read as npz ({fault}): write the store again") from fault
            self._process = os.getpid()
        return self._handle

    def _read_spans(self, names: set[str]) -> dict[str, tuple[int, int]]:
        if "ids" not in names:
            raise ValueError(f"{self.path} has ragged keypoints without clip ids: add an array ids, one text per clip")
        ids, offsets = self._member("ids").tolist(), self._member("offsets").tolist()
        if len(offsets) != len(ids) + 1 or offsets[0] != 0 or sorted(offsets) != offsets or len(set(ids)) != len(ids):
            raise ValueError(
                f"{self.path} is inconsistent: {len(ids)} ids need as many different names and {len(ids) + 1} rising "
                f"offsets that begin with 0, and there are {len(offsets)} offsets"
            )
        if offsets[-1] != self._length("joints"):
            raise ValueError(
                f"{self.path} is inconsistent: its offsets end at {offsets[-1]}, and it has {self._length('joints')} "
                "frames of joints"
            )
        return {clip: (start, end) for clip, start, end in zip(ids, offsets, offsets[1:], strict=False)}

    def _read(self, clip: str) -> Tensor:
        if self._spans is None:
            return torch.from_numpy(self._member(clip))
        if self._joints_array is None:
            self._joints_array = self._member("joints")
        start, end = self._spans[clip]
        return torch.from_numpy(self._joints_array[start:end].copy())

    def _num_frames(self, clip: str) -> int:
        if self._spans is not None:
            start, end = self._spans[clip]
            return end - start
        return self._length(clip)

    def _member(self, name: str) -> np.ndarray:
        try:
            return self._file[name]
        except _DAMAGED as fault:
            raise ValueError(f"{name} in {self.path} is damaged ({fault}): write the store again") from fault

    def _length(self, name: str) -> int:
        """Rows of an array, from its header."""
        try:
            with self._file.zip.open(f"{name}.npy") as header:
                version = np.lib.format.read_magic(header)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                return int(read(header)[0][0])
        except _DAMAGED as fault:
            raise ValueError(f"{name} in {self.path} is damaged ({fault}): write the store again") from fault


def _stored_layout(name: str | None, path: Path) -> SkeletonLayout:
    if name is None:
        raise ValueError(f"{path} does not name the skeleton layout of its keypoints: add a text called layout")
    return skeleton_layout(name)


def _stored_size(metadata: Mapping[str, Any], path: Path) -> tuple[int, int]:
    try:
        return int(metadata["width"]), int(metadata["height"])
    except (KeyError, TypeError, ValueError) as fault:
        raise ValueError(
            f"{path} does not tell the size of the frames: add width and height in pixels, whole numbers"
        ) from fault
