"""Nested Python data with tensors in it as one safetensors file: no pickle is written, none is ever read.

Tensors are stored under the path that leads to them; everything else is JSON in the header of the same file, so the two
can never come apart. A digest of both finds what a careless hand or a bad disk changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from slr.tensors import read_safetensors
from workbench.disk import write_bytes

_TENSOR, _TUPLE, _ITEMS = "$tensor", "$tuple", "$items"


def write_tree(path: Path | str, tree: Any) -> None:
    """Write dicts, lists, tuples, scalars and tensors; shared memory and devices are forgotten.

    Raises:
        TypeError: when something else is in the tree.
        OSError: when there is no room, in one sentence.
    """
    tensors: dict[str, Tensor] = {}
    skeleton = json.dumps(_flatten(tree, "", tensors))
    metadata = {"tree": skeleton, "sha256": _digest(skeleton, tensors)}
    write_bytes(path, save(tensors, metadata))


def read_tree(path: Path | str) -> Any:
    """Read what :func:`write_tree` wrote, tensors on the CPU.

    Raises:
        ValueError: when the file is missing, cut short, changed, a pickle, or not of this kind; one sentence.
    """
    tensors, metadata = read_safetensors(path)
    if set(metadata) != {"tree", "sha256"}:
        raise ValueError(f"{path} is a safetensors file that something else wrote: it holds no training state of ours")
    if _digest(metadata["tree"], tensors) != metadata["sha256"]:
        raise ValueError(f"{path} was changed after it was written: remove it, and the training starts again")
    return _unflatten(json.loads(metadata["tree"]), tensors)


def detached(tensor: Tensor) -> Tensor:
    """A tensor as it can be stored: on the CPU, in memory of its own."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def _flatten(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        assert name not in tensors, f"two tensors are called {name!r}"
        tensors[name] = detached(value)
        return {_TENSOR: name}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: _flatten(child, f"{name}/{key}", tensors) for key, child in value.items()}
        return {_ITEMS: [[key, _flatten(child, f"{name}/{key}", tensors)] for key, child in value.items()]}
    if isinstance(value, list | tuple):
        children = [_flatten(child, f"{name}/{index}", tensors) for index, child in enumerate(value)]
        return {_TUPLE: children} if isinstance(value, tuple) else children
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{name or 'the tree'} holds a {type(value).__name__}, which is neither a tensor nor plain data")


def _unflatten(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unflatten(child, tensors) for child in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        return tensors[value[_TENSOR]]
    if _TUPLE in value:
        return tuple(_unflatten(child, tensors) for child in value[_TUPLE])
    if _ITEMS in value:
        return {key: _unflatten(child, tensors) for key, child in value[_ITEMS]}
    return {key: _unflatten(child, tensors) for key, child in value.items()}


def _digest(skeleton: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(skeleton.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
