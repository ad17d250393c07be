"""Tensors in safetensors files: no pickle is ever read."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors
from torch import Tensor

_PICKLE_STARTS = (b"PK\x03\x04", b"\x80")  # torch.save since 1.6 writes a zip, before that a bare pickle


def is_pickle(path: Path) -> bool:
    """Whether a file begins as those of ``torch.save`` do."""
    with path.open("rb") as file:
        start = file.read(9)
    # The first bytes of a safetensors file are a length and can be anything; after them opens a JSON object.
    return start.startswith(_PICKLE_STARTS) and not start.endswith(b"{")


def read_safetensors(path: Path | str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file.

    Raises:
        ValueError: when there is no such file, it is a pickle, or it is damaged; one sentence.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} does not exist: nothing was saved under this name")
    if is_pickle(path):
        raise ValueError(
            f"{path} is a pickle as torch.save writes it, which can run code when it is opened: convert released "
            "weights with scripts/prepare.py weights"
        )
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (safetensors.SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} is damaged or cut short ({error}): take another copy of it, or remove it and make it anew"
        ) from error
