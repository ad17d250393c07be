"""Frames of a clip that lie as single images in a folder."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def list_frames(folder: Path, pattern: str, clip: str) -> list[Path]:
    """Images below ``folder`` that match ``pattern`` (``ID/1/*.png``), in the order of the numbers in their names.

    Raises:
        ValueError: when there are none; the message names the clip, the expected place, and where frames do lie.
    """
    relative = PurePosixPath(pattern)
    place = folder.joinpath(*relative.parent.parts)
    if place.is_dir():
        names = [entry.name for entry in place.iterdir() if fnmatch.fnmatchcase(entry.name, relative.name)]
        if names:
            return [place / name for name in sorted(names, key=_numeric)]
    raise ValueError(f"no frames of clip {clip!r} at {place / relative.name}{_hint(folder, relative, clip)}")


def decode_frames(paths: Sequence[Path], clip: str) -> Tensor:
    """Images of one clip as ``[T, 3, H, W]`` uint8 red, green, blue.

    Raises:
        ValueError: when an image cannot be decoded, or has another size than the first.
    """
    frames: list[np.ndarray] = []
    for path in paths:
        try:
            with Image.open(path) as image:
                frame = np.array(image if image.mode == "RGB" else image.convert("RGB"))  # [H, W, 3]
        except (OSError, SyntaxError) as fault:  # Pillow calls a broken PNG chunk a syntax error
            raise ValueError(f"frame {path} of clip {clip!r} cannot be decoded: copy it again") from fault
        if frames and frame.shape != frames[0].shape:
            raise ValueError(
                f"frame {path} of clip {clip!r} has {frame.shape[1]}x{frame.shape[0]} pixels and the first one "
                f"{frames[0].shape[1]}x{frames[0].shape[0]}: all frames of a clip must have one size"
            )
        frames.append(frame)
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).contiguous()


def _numeric(name: str) -> list[tuple[int, str]]:
    # 2.png comes before 10.png; names with leading zeros keep their order.
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _hint(folder: Path, relative: PurePosixPath, clip: str) -> str:
    if not folder.is_dir():
        return f": the folder {folder} is missing"
    flat = folder.joinpath(*relative.parent.parent.parts)
    if relative.parent.name and any(flat.glob(relative.name)):
        return f": frames lie in {flat} itself, one level higher; move them into {flat / relative.parent.name}"
    if (folder / clip).is_dir():
        return f": {folder / clip} is there but holds none"
    return f": the folder {folder / clip} is missing"
