"""The tensors of a released file, whatever they are wrapped in, without running any code that the file brings."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slr.tensors import is_pickle, read_safetensors


class _Unread:
    """Stands for numpy wherever a file has arrays beside its tensors, such as the state of a random generator."""

    def __init__(self, *arguments: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


# Arrays are written so since numpy 1 and, in ``_core``, since numpy 2; a scalar is a best score, for example. Each has
# a class of its own, since torch 2.6 may know what is allowed by the names of its module and class alone.
_UNREAD: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    type(name, (_Unread,), {"__module__": module})
    for module, names in {
        "numpy": ("ndarray", "dtype"),
        "numpy.core.multiarray": ("_reconstruct", "scalar"),
        "numpy._core.multiarray": ("_reconstruct", "scalar"),
    }.items()
    for name in names
]
_NOT_TENSORS = {b"<": "an HTML page, as a download page leaves it", b"version https://git-lfs": "a Git LFS pointer"}
_GLOBAL = re.compile(r"(?:GLOBAL|function|class) `?<?(?:built-in function |function |class )?'?([\w.]+)")


def read_released(path: Path | str, key: str | None = None) -> dict[str, Tensor]:
    """The tensors of a released file by name, on the CPU.

    Read are safetensors and what ``torch.save`` writes: a bare state dict, or a dict that holds one beside an
    optimiser, a scheduler, the states of random generators and other plain data. ``module``, which DataParallel puts
    before a name or into it, is taken out. Pickles are read by torch's restricted reader (``weights_only``), with
    nothing allowed in addition but numpy arrays, and these are passed over unread.

    Args:
        path: the file.
        key: where the state dict lies; needed only where a file holds several.

    Raises:
        ValueError: when there is no such file, it is no file of tensors, cut short, brings code, holds no state dict or
            several, or a tensor in it is sparse or not finite; one sentence.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} does not exist: name a file of released weights")
    found = _candidates(_unpickled(path)) if is_pickle(path) else _candidates(_safetensors(path))
    tensors = _chosen(path, found, key)
    for name, tensor in tensors.items():
        _check_tensor(path, name, tensor)
    return _without_module(path, tensors)


def _safetensors(path: Path) -> Mapping[str, Tensor]:
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    for beginning, what in _NOT_TENSORS.items():
        if start.startswith(beginning):
            raise ValueError(f"{path} is {what}, not the weights: download the file itself")
    return read_safetensors(path)[0]


def _unpickled(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals(_UNREAD), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the age of the file, or what else torch thinks of it
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        foreign = _GLOBAL.search(str(error))
        if foreign is None:
            raise ValueError(f"{path} is damaged or no file of weights: download it again") from error
        raise ValueError(
            f"{path} wants to run {foreign[1]!r} when it is opened, and weights need nothing of the kind: it was not "
            "opened; where you trust it, save its state dict alone, or as safetensors"
        ) from error
    except MemoryError:
        raise
    except (
        Exception
    ) as error:  # what torch raises for a file cut short or changed depends on where, and can be anything
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} is damaged or cut short ({reason}): download it again") from error


def _candidates(content: Any) -> dict[str | None, dict[str, Tensor]]:
    """Every state dict in the file by the key it lies under; None is the file itself."""
    if _is_state_dict(content):
        return {None: dict(content)}
    if not isinstance(content, Mapping):
        return {}
    return {key: dict(value) for key, value in content.items() if _is_state_dict(value)}


def _is_state_dict(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) > 0
        and all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in value.items())
    )


def _chosen(path: Path, found: Mapping[str | None, dict[str, Tensor]], key: str | None) -> dict[str, Tensor]:
    keys = [str(name) for name in found if name is not None]
    if key is not None:
        if key not in found:
            raise ValueError(f"{path} holds no state dict under {key!r}: there is {', '.join(keys) or 'none'}")
        return found[key]
    if not found:
        raise ValueError(f"{path} holds no state dict, tensors by their names: it is no file of released weights")
    if len(found) > 1:
        raise ValueError(f"{path} holds several state dicts, {' and '.join(keys)}: say by its key which one is meant")
    return next(iter(found.values()))


def _check_tensor(path: Path, name: str, tensor: Tensor) -> None:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex():
        raise ValueError(f"{name!r} in {path} is no plain tensor of numbers: sparse and quantised ones are not read")
    if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
        raise ValueError(f"{name!r} in {path} holds values that are not finite: the training had failed, or it is cut")


def _without_module(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        bare = ".".join(part for part in name.split(".") if part != "module")
        if bare in found:
            raise ValueError(f"{path} holds {bare!r} twice, with and without 'module': it is a mix of two files")
        found[bare] = tensor.detach()
    return found
