"""Names that change with whatever the outputs of a teacher depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

FORMAT_VERSION = 1


def weights_hash(state_dict: Mapping[str, Tensor]) -> str:
    """Sixty-four hex digits over the name, shape, dtype and bytes of every tensor, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(state_dict):
        tensor = state_dict[name]
        if not isinstance(tensor, Tensor):
            raise ValueError(
                f"{name!r} of the teacher's state is a {type(tensor).__name__}: only tensors can be hashed"
            )
        digest.update(_canonical([name, list(tensor.shape), str(tensor.dtype)]))
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def teacher_identity(state_dict: Mapping[str, Tensor], *, network: Any, preprocessing: Any, plan: Any) -> str:
    """Sixty-four hex digits that change with anything the outputs of a teacher depend on, clips aside.

    Args:
        state_dict: the teacher's weights and buffers.
        network: the config node that builds the teacher, as JSON values.
        preprocessing: description of what is done to its stream (crop, size, normalisation), as JSON values.
        plan: description of the temporal plan (stride, frame rate), as JSON values.
    """
    parts = [FORMAT_VERSION, weights_hash(state_dict), network, preprocessing, plan]
    return hashlib.sha256(_canonical(parts)).hexdigest()


def view_name(*, flipped: bool = False, start: int = 0) -> str:
    """What a view of a clip is called: mirrored or plain, from its first frame or from another of its starts."""
    return ("flipped" if flipped else "plain") + (f" from frame {start}" if start else "")


def clip_key(clip: str, fingerprint: str, view: str = "plain") -> str:
    """Name of one entry, sixty-four hex digits.

    Args:
        clip: id of the clip.
        fingerprint: changes when the files of the clip change.
        view: which view the teacher saw, see :func:`view_name`.
    """
    return hashlib.sha256(_canonical([clip, fingerprint, view])).hexdigest()


def _canonical(value: Any) -> bytes:
    """One spelling per JSON value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
