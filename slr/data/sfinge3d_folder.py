"""What lies where in a release of SFINGE3D.

``sequencesGT.csv`` has a row per sequence: its number, how many gestures it has, and for each gesture its label (1 to
13), first and last frame. The recordings are texts, as published, or two archives of arrays:

``Sequences/NUMBER.txt`` and ``Dictionary/LABEL/INSTANCE.txt``
    A line per frame; for every joint x, y, z in metres and a quaternion, which is not read. Numbers are separated by
    semicolons, commas or blanks.
``sequences.npz`` and ``dictionary.npz``
    ``joints`` ``[sum of T, 20, 3]``, ``offsets`` ``[N + 1]``; with ``index`` ``[N]`` or ``label`` and ``instance``.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slr.data.tracks import Part

GESTURES = (
    "ONE", "TWO", "THREE", "FOUR", "OK", "PINCH", "GRAB", "EXPAND", "TAP", "SWIPE-LEFT", "SWIPE-RIGHT", "SWIPE-V",
    "SWIPE-O",
)  # fmt: skip
_JOINTS, _NUMBERS = 20, 7  # numbers of a joint in the published texts
_APART = re.compile(r"[;,\s]+")

Joints = NDArray[np.float32]  # [T, 20, 3]: x to the right, y up, z away from the body, in metres


def gesture(label: int, where: str) -> str:
    """The gloss of a label, 1 to 13.

    Raises:
        ValueError: when there is none.
    """
    if not 1 <= label <= len(GESTURES):
        raise ValueError(f"{where} has the gesture {label}: there are 1 ({GESTURES[0]}) to 13 ({GESTURES[-1]})")
    return GESTURES[label - 1]


def read_truth(path: Path, lengths: Mapping[int, int]) -> dict[int, list[Part]]:
    """Where the gestures of every sequence lie; ``lengths`` are the frames of the recordings by number.

    A gesture that lasts beyond its recording ends with it: in the release two do, by some frames.

    Raises:
        ValueError: when the file is missing, a row is no such row, a sequence stands twice, is not recorded or not
            described, or a gesture begins outside of its recording or before the one in front of it.
    """
    if not path.is_file():
        raise ValueError(f"{path} is missing: it says which gestures the sequences of SFINGE3D have")
    truth: dict[int, list[Part]] = {}
    for line, text in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        fields = [field for field in _APART.split(text.strip()) if field]
        if not fields:
            continue
        where = f"line {line} of {path}"
        numbers = _whole_numbers(fields, where)
        if len(numbers) < 2 or len(numbers) != 2 + 3 * numbers[1]:
            raise ValueError(f"{where} is not sequence,count and count times label,first,last: {text[:60]!r}")
        if numbers[0] in truth or numbers[0] not in lengths:
            fault = "stands twice" if numbers[0] in truth else "is not recorded"
            raise ValueError(f"{where} describes sequence {numbers[0]}, which {fault}")
        truth[numbers[0]] = _parts(numbers[2:], lengths[numbers[0]], where)
    undescribed = sorted(lengths.keys() - truth.keys())
    if undescribed:
        raise ValueError(f"{path} does not describe sequence {undescribed[0]}, which is recorded")
    return truth


def _whole_numbers(fields: list[str], where: str) -> list[int]:
    try:
        return [int(field) for field in fields]
    except ValueError as fault:
        raise ValueError(f"{where} should hold whole numbers alone: {fault}") from None


def _parts(numbers: list[int], frames: int, where: str) -> list[Part]:
    parts: list[Part] = []
    for label, first, last in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
        gloss = gesture(label, where)
        if not 0 <= first <= last or first >= frames or (parts and first < parts[-1].start):
            raise ValueError(
                f"{where} has {gloss} in frames {first} to {last}: gestures follow each other and begin in frames 0 to "
                f"{frames - 1} of the recording"
            )
        parts.append(Part(gloss, first, min(last + 1, frames)))
    return parts


def read_sequences(root: Path) -> dict[int, Joints]:
    """The joints of every sequence by its number, in the order of the numbers.

    Raises:
        ValueError: when there are none, or a file is no such recording.
    """
    archive, folder = root / "sequences.npz", root / "Sequences"
    if archive.is_file():
        arrays = _read_archive(archive, ("index",))
        found = dict(zip(arrays["index"].tolist(), _ragged(arrays), strict=True))
    else:
        files = _texts(folder, archive)
        found = {_number(path.stem, path): _read_text(path) for path in files}
    return dict(sorted(found.items()))


def read_gestures(root: Path) -> dict[tuple[str, int], Joints]:
    """The joints of every isolated gesture by gloss and instance.

    Raises:
        ValueError: when there are none, or a file is no such recording.
    """
    archive, folder = root / "dictionary.npz", root / "Dictionary"
    if archive.is_file():
        arrays = _read_archive(archive, ("label", "instance"))
        names = list(zip(arrays["label"].tolist(), arrays["instance"].tolist(), strict=True))
        found = dict(zip(names, _ragged(arrays), strict=True))
        where = str(archive)
    else:
        files = _texts(folder, archive)
        names = [(_number(path.parent.name, path), _number(path.stem, path)) for path in files]
        found = {name: _read_text(path) for name, path in zip(names, files, strict=True)}
        where = str(folder)
    return {(gesture(label, where), number): joints for (label, number), joints in sorted(found.items())}


def _texts(folder: Path, archive: Path) -> list[Path]:
    files = sorted(folder.rglob("*.txt"))
    if not files:
        raise ValueError(f"there are no recordings at {folder} (texts), nor is there {archive}")
    return files


def _number(name: str, path: Path) -> int:
    digits = re.sub(r"\D", "", name)
    if not digits:
        raise ValueError(f"{path} is named after no number: {name!r} should say which recording it is")
    return int(digits)


def _read_text(path: Path) -> Joints:
    """The places of the joints; the quaternions are left out."""
    rows = [
        [field for field in _APART.split(line.strip()) if field] for line in path.read_text("utf-8-sig").splitlines()
    ]
    rows = [row for row in rows if row]
    wrong = next((number for number, row in enumerate(rows, start=1) if len(row) != _JOINTS * _NUMBERS), None)
    if wrong is not None or not rows:
        have = f"{len(rows[wrong - 1])} numbers in line {wrong}" if wrong is not None else "no line"
        raise ValueError(f"{path} has {have}: it needs {_NUMBERS} for each of {_JOINTS} joints in every line")
    try:
        numbers = np.array(rows, dtype=np.float32)
    except ValueError as fault:
        raise ValueError(f"{path} should hold numbers alone: {fault}") from None
    return _checked(numbers.reshape(len(rows), _JOINTS, _NUMBERS)[..., :3], str(path))


def _read_archive(path: Path, names: tuple[str, ...]) -> dict[str, NDArray]:
    wanted = ("joints", "offsets", *names)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in wanted}
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as fault:
        raise ValueError(f"{path} is no such archive ({fault}): it needs {', '.join(wanted)}") from fault
    joints, offsets = found["joints"], found["offsets"]
    fits = joints.ndim == 3 and joints.shape[1:] == (_JOINTS, 3) and offsets.ndim == 1 and len(offsets) > 1
    fits = fits and offsets[0] == 0 and offsets[-1] == len(joints) and bool((np.diff(offsets) > 0).all())
    if not fits or any(found[name].shape != (len(offsets) - 1,) for name in names):
        raise ValueError(
            f"{path} does not fit together: joints should be [frames, {_JOINTS}, 3], offsets rise from 0 to the number "
            f"of frames, and {' and '.join(names)} have one entry per recording"
        )
    _checked(joints, str(path))
    return found


def _checked(joints: NDArray, where: str) -> Joints:
    if not np.isfinite(joints).all():
        raise ValueError(f"{where} has a coordinate that is not finite: copy it again")
    return joints.astype(np.float32)


def _ragged(arrays: Mapping[str, NDArray]) -> list[Joints]:
    return np.split(arrays["joints"].astype(np.float32), arrays["offsets"][1:-1])
