"""What another code base said about one clip: a file of arrays, and the many files of a folder."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from slr.tensors import read_safetensors

ENDINGS = (".npz", ".safetensors")
_PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".npy")
LENGTH, CLIP = "_length", "clip"


@dataclass(frozen=True)
class ClipOutputs:
    """The arrays of one clip: ``logits`` ``[S, columns]`` and features ``[S', D]`` by name, in float32, no padding."""

    path: Path
    arrays: Mapping[str, Tensor]


def find_files(folder: Path, index: Path | None = None) -> dict[str, Path]:
    """The file of every clip, by its id, in ascending order of the ids.

    A file is called by the id of its clip, in ``folder`` or in a folder below it. Where files are called otherwise, an
    ``index`` tells: one line per clip with its id, a tab, and the path of the file below ``folder``, in ascending order
    of the ids.

    Raises:
        ValueError: when there is no file, two files are about one clip, or the index is not as it should be.
        OSError: when there is no such index.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: name the one that holds a file of outputs per clip")
    found = _indexed(folder, index) if index is not None else _named(folder)
    if not found:
        other = sorted(path.name for path in folder.rglob("*") if path.suffix in _PICKLES)
        hint = f" ({other[0]} and its like may be pickles, which are not opened)" if other else ""
        raise ValueError(f"{folder} holds no outputs{hint}: write one .npz or .safetensors file per clip")
    return dict(sorted(found.items()))


def read_outputs(path: Path, clip: str, wanted: Iterable[str] | None = None) -> ClipOutputs:
    """The outputs of a clip from its file, ``.npz`` without pickle or ``.safetensors``.

    It holds ``logits`` and may hold further arrays, one step per row. An array may be padded: ``NAME_length`` then says
    how many of its rows count. ``clip``, an entry of text (in safetensors: of the metadata), may say whose outputs
    these are.

    Args:
        path: the file.
        clip: id of the clip it should be about.
        wanted: arrays to read beside the logits, all of them when left out.

    Raises:
        ValueError: when the file is damaged, about another clip, or an array is missing, of another kind or not finite.
    """
    content, said = _content(path)
    if said is not None and said != clip:
        raise ValueError(f"{path} says that it is about clip {said!r}, and it should be about {clip!r}")
    names = [name for name in content if not name.endswith(LENGTH)]
    if wanted is not None:
        names = ["logits", *dict.fromkeys(name for name in wanted if name != "logits")]
    missing = next((name for name in ("logits", *names) if name not in content), None)
    if missing is not None:
        known = ", ".join(sorted(content)) or "nothing"
        raise ValueError(f"{path} holds no {missing!r}, only {known}")
    return ClipOutputs(path, {name: _checked(path, name, content[name], content.get(name + LENGTH)) for name in names})


def digest(arrays: Mapping[str, Tensor]) -> str:
    """Sixty-four hex digits over the name, shape and numbers of every array, in the order of the names."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        values = arrays[name].contiguous()
        found.update(json.dumps([name, list(values.shape)]).encode())
        found.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def like_probabilities(logits: Tensor) -> bool:
    """Whether all steps are distributions; raw scores that are would be softened twice and teach nearly nothing."""
    sums = logits.sum(dim=-1)
    return bool((logits >= 0).all()) and bool(((sums - 1).abs() < 1e-2).all())


def _named(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in ENDINGS or not path.is_file() or path.name.startswith("."):
            continue
        if path.stem in found:
            raise ValueError(f"clip {path.stem!r} has outputs twice, in {found[path.stem]} and in {path}: keep one")
        found[path.stem] = path
    return found


def _indexed(folder: Path, index: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    files: set[str] = set()
    last = ""
    for number, line in enumerate(index.read_text(encoding="utf-8").splitlines(), start=1):
        clip, tab, name = line.partition("\t")
        if not (tab and clip and name):
            raise ValueError(f"line {number} of {index} is not a clip, a tab and a file: {line!r}")
        if clip in found or name in files:
            raise ValueError(f"line {number} of {index} names {clip if clip in found else name!r} a second time")
        # Ids that were written beside a list of files in another order are the way to outputs of the wrong clips.
        if clip < last:
            raise ValueError(
                f"{index} is not sorted: line {number} puts {clip!r} after {last!r}; sort its lines by the ids, each "
                "with the file of its clip"
            )
        if not (folder / name).is_file() or Path(name).suffix not in ENDINGS:
            raise ValueError(f"line {number} of {index} names {name!r}, which is no .npz or .safetensors in {folder}")
        found[clip] = folder / name
        files.add(name)
        last = clip
    return found


def _content(path: Path) -> tuple[dict[str, Any], str | None]:
    """The entries of a file, and the clip that it says it is about."""
    if path.suffix == ".safetensors":
        tensors, metadata = read_safetensors(path)
        return dict(tensors), metadata.get(CLIP)
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is damaged or no .npz file: write it again")
    try:
        with np.load(path, allow_pickle=False) as archive:
            content = {name: archive[name] for name in archive.files}
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            raise ValueError(
                f"{path} holds pickled objects, which can run code: write plain arrays of numbers"
            ) from error
        raise ValueError(f"{path} is damaged or no .npz file ({error}): write it again") from error
    said = content.pop(CLIP, None)
    return content, None if said is None else str(said)


def _checked(path: Path, name: str, array: Any, length: Any) -> Tensor:
    """One array ``[S, D]`` in float32 without its padding."""
    given = f"{list(array.shape)} {str(array.dtype).removeprefix('torch.')}"
    floating = array.is_floating_point() if isinstance(array, Tensor) else array.dtype.kind == "f"
    if not floating or array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"{name} in {path} is {given}: it should be steps x {_columns(name)}, floating point")
    values = (array if isinstance(array, Tensor) else torch.from_numpy(np.asarray(array, dtype=np.float32))).float()
    if length is not None:
        values = values[: _length(path, name, length, len(values))]
    if not bool(values.isfinite().all()):
        row, column = (~values.isfinite()).nonzero()[0].tolist()
        raise ValueError(
            f"{name} in {path} is {values[row, column].item()} in step {row}, column {column}: every value of a clip's "
            "steps has to be finite"
        )
    return values


def _columns(name: str) -> str:
    return "columns of scores" if name.endswith("logits") else "features"


def _length(path: Path, name: str, length: Any, rows: int) -> int:
    value = length.item() if getattr(length, "size", None) == 1 or getattr(length, "numel", lambda: 0)() == 1 else None
    if not isinstance(value, int) or not 0 <= value <= rows:
        raise ValueError(
            f"{name}{LENGTH} in {path} is {value if value is not None else list(length.shape)}: it should be one whole "
            f"number from 0 to the {rows} rows of {name}"
        )
    return value
