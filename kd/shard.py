"""One file of the cache of teacher outputs."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor


@dataclass(frozen=True)
class Entry:
    """The outputs for one clip in one shard.

    Attributes:
        key: name of the entry.
        path: the shard.
        names: ``"logits"`` and taps stored, sorted.
        checksum: see :func:`checksum`.
    """

    key: str
    path: Path
    names: tuple[str, ...]
    checksum: int


class Shard:
    """A shard opened for reading; the file is mapped into memory and read where it is touched.

    Args:
        path: the file.
        identity: what its header must say.
        format_version: what its header must say.
        dtype: what its tensors must be.

    Raises:
        ValueError: when the file is damaged or says something else.
    """

    def __init__(self, path: Path, *, identity: str, format_version: int, dtype: torch.dtype) -> None:
        self.path = path
        self._dtype = dtype
        self._sound: set[str] = set()
        if path.stat().st_size == 0:
            raise ValueError("it is empty")
        try:
            self._file = safe_open(path, framework="pt")
            header = self._file.metadata() or {}
            clips = json.loads(header.get("clips", "{}"))
            self.entries = [
                Entry(key, path, tuple(clip["names"]), int(clip["checksum"])) for key, clip in clips.items()
            ]
        except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it cannot be read ({error})") from error
        if header.get("format") != str(format_version) or header.get("identity") != identity:
            raise ValueError("it holds the outputs of another teacher or another format")

    def tensor(self, entry: Entry, name: str) -> Tensor:
        """One tensor ``[S, ...]`` of an entry; it shares memory with the file and must not be written to."""
        stored: Tensor = self._file.get_tensor(f"{entry.key}/{name}")
        return stored

    def is_sound(self, entry: Entry) -> bool:
        """Whether an entry is what was written; read and checked once."""
        if entry.key in self._sound:
            return True
        try:
            tensors = {name: self.tensor(entry, name) for name in entry.names}
        except SafetensorError:
            return False
        if any(tensor.dtype != self._dtype for tensor in tensors.values()) or checksum(tensors) != entry.checksum:
            return False
        self._sound.add(entry.key)
        return True


def checksum(tensors: Mapping[str, Tensor]) -> int:
    """CRC-32 over the name, shape, dtype and bytes of every tensor, in the order of the names."""
    value = 0
    for name in sorted(tensors):
        tensor = tensors[name]
        value = zlib.crc32(json.dumps([name, list(tensor.shape), str(tensor.dtype)]).encode(), value)
        value = zlib.crc32(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data, value)
    return value
