"""Writing a store of isolated clips, clip by clip, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from slr.data.corpus import SPLITS
from slr.data.isolated.spec import ClipRow, ClipSource, PartsOfSplits, StoreSpec
from slr.data.isolated.splits import part_codes
from slr.files import whole_folder

FORMAT = "slr-isolated-1"
CARD = "store.json"
ATTRIBUTES = tuple(field.name for field in fields(ClipRow) if field.name not in ("id", "label"))
NON_FINITE = ("refuse", "missing")
_HEADER = 192  # bytes reserved for the header of keypoints.npy, whose length is known at the end


def write_store(
    path: Path | str,
    source: ClipSource,
    *,
    dtype: str = "float32",
    non_finite: str = "refuse",
    progress: Callable[[str, int, int], None] | None = None,
) -> Path:
    """Read every clip of a source once and write the store of it.

    Args:
        path: the folder to make.
        source: the corpus as it is distributed.
        dtype: ``float32``, or ``float16`` for half the size.
        non_finite: ``refuse`` a clip with a NaN or an infinity, or count such joints as ``missing``.
        progress: called with what is done, clips done and clips in all.

    Raises:
        ValueError: when a clip or a split is faulty; nothing is left behind then.
        FileExistsError: when there is something at ``path``.
    """
    with StoreWriter(path, source.spec, dtype=dtype, non_finite=non_finite) as writer:
        for done, (row, keypoints) in enumerate(source, start=1):
            writer.add(row, keypoints)
            if progress is not None:
                progress("clips", done, len(source))
        writer.finish(source.splits(writer.rows))
    return Path(path)


class StoreWriter:
    """A store under way, in a folder beside ``path`` that takes its place when it is finished.

    A folder of numpy files that can be mapped into memory and read by index: ``keypoints.npy`` ``[frames, P, J, C]``
    with the clips one after the other, ``offsets.npy`` ``[N + 1]``, ``labels.npy``, ``ids.npy``, ``signer.npy``,
    ``camera.npy`` and ``setup.npy`` ``[N]``, ``splits/NAME.npy`` ``[N]`` uint8 (0 unused, then one for each of train,
    dev and test), and ``store.json``, which says what they are. Only one clip is in memory at a time.

    Used as a context; what is not finished when the context ends leaves nothing behind.
    """

    def __init__(
        self, path: Path | str, spec: StoreSpec, *, dtype: str = "float32", non_finite: str = "refuse"
    ) -> None:
        if dtype not in ("float32", "float16"):
            raise ValueError(f"keypoints are stored as float32 or float16, not {dtype}")
        if non_finite not in NON_FINITE:
            raise ValueError(f"non_finite is {non_finite!r}: there are {', '.join(NON_FINITE)}")
        self.path = Path(path)
        self.spec = spec
        self.rows: list[ClipRow] = []
        self._dtype = np.dtype(f"<{np.dtype(dtype).str[1:]}")
        self._non_finite = non_finite
        self._ids: set[str] = set()
        self._offsets = [0]
        self._digest = hashlib.sha256()
        self._empty: list[str] = []
        self._repaired: dict[str, int] = {}
        self._place = whole_folder(self.path)
        self._folder: Path
        self._file: BinaryIO

    def __enter__(self) -> StoreWriter:
        self._folder = self._place.__enter__()
        self._file = (self._folder / "keypoints.npy").open("wb")
        self._file.write(bytes(_HEADER))
        self._finished = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is not None or self._finished:
            self._place.__exit__(kind, error, trace)
            return
        unfinished = ValueError(f"{self.path} was not finished: nothing is kept of it")
        self._place.__exit__(ValueError, unfinished, None)
        raise unfinished

    def add(self, row: ClipRow, keypoints: np.ndarray) -> None:
        """Append one clip ``[T, P, J, C]``.

        Raises:
            ValueError: when its id was there before, its label is no class, its shape is not that of the corpus, or it
                holds what is not finite and may not.
        """
        self._check(row, keypoints)
        with np.errstate(over="ignore"):  # said below
            values = self._finite(row.id, np.asarray(keypoints, dtype=np.float64)).astype(self._dtype)
        if not np.isfinite(values).all():
            raise ValueError(
                f"clip {row.id!r} of {self.spec.name} does not fit {self._dtype.name}, which ends at "
                f"{np.finfo(self._dtype).max:.0f}: store float32"
            )
        if not values.any():
            self._empty.append(row.id)
        stored = values.tobytes()
        self._file.write(stored)
        self._digest.update(stored)
        self.rows.append(row)
        self._ids.add(row.id)
        self._offsets.append(self._offsets[-1] + len(values))

    def finish(self, splits: PartsOfSplits) -> None:
        """Write everything else; the folder takes its name when the context ends.

        Raises:
            ValueError: when there is no clip, or a split names a clip that there is not, or one twice.
        """
        if not self.rows:
            raise ValueError(f"{self.spec.name} has no clip: there is nothing to store")
        self._finish_keypoints()
        self._save("offsets", np.asarray(self._offsets, dtype=np.int64))
        self._save("labels", np.asarray([row.label for row in self.rows], dtype=np.int64))
        self._save("ids", np.asarray([row.id for row in self.rows]))
        for name in ATTRIBUTES:
            self._save(name, np.asarray([getattr(row, name) for row in self.rows]))
        (self._folder / "splits").mkdir()
        counts = {name: self._write_split(name, parts) for name, parts in splits.items()}
        card = {**self._description(), "splits": counts, "content": self._digest.hexdigest()}
        (self._folder / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self._finished = True

    def _check(self, row: ClipRow, keypoints: np.ndarray) -> None:
        where = f"clip {row.id!r} of {self.spec.name}"
        if not row.id or row.id in self._ids:
            raise ValueError(f"{where} {'stands twice' if row.id else 'has no id'}: ids name clips")
        if not 0 <= row.label < len(self.spec.classes):
            raise ValueError(
                f"{where} has label {row.label}, but its {len(self.spec.classes)} classes count from 0 to "
                f"{len(self.spec.classes) - 1}"
            )
        if keypoints.ndim != 4 or keypoints.shape[1:] != self.spec.shape or len(keypoints) == 0:
            people, joints, channels = self.spec.shape
            raise ValueError(
                f"{where} has keypoints of shape {list(keypoints.shape)}: it needs one frame at least, as "
                f"[frames, {people} persons, {joints} joints of {self.spec.skeleton.name}, {channels} channels]"
            )

    def _finite(self, clip: str, values: np.ndarray) -> np.ndarray:
        wrong = ~np.isfinite(values).all(axis=-1)
        if not wrong.any():
            return values
        if self._non_finite == "refuse":
            frame, person, joint = (int(index) for index in np.argwhere(wrong)[0])
            raise ValueError(
                f"joint {self.spec.skeleton.joints[joint]!r} of person {person} in frame {frame} of clip {clip!r} of "
                f"{self.spec.name} is not finite: mend it, or prepare with --non-finite missing"
            )
        self._repaired[clip] = int(wrong.sum())
        return np.where(wrong[..., None], 0.0, values)

    def _finish_keypoints(self) -> None:
        shape = (self._offsets[-1], *self.spec.shape)
        described = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        text = repr(described).encode()
        lead = b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little")
        assert len(text) < _HEADER - 10, "the header of the keypoints outgrew its place"
        self._file.seek(0)
        self._file.write(lead + text.ljust(_HEADER - 11) + b"\n")
        self._file.close()

    def _save(self, name: str, array: np.ndarray) -> None:
        np.save(self._folder / f"{name}.npy", array, allow_pickle=False)
        self._digest.update(f"\0{name}\0{array.dtype}\0".encode())
        self._digest.update(array.tobytes())

    def _write_split(self, name: str, parts: Mapping[str, Sequence[str]]) -> dict[str, int]:
        codes = part_codes(name, parts, [row.id for row in self.rows], self.spec.name)
        self._save(f"splits/{name}", codes)
        return {part: int((codes == code).sum()) for code, part in enumerate(SPLITS, start=1) if (codes == code).any()}

    def _description(self) -> dict[str, Any]:
        spec = self.spec
        labels = np.asarray([row.label for row in self.rows])
        lengths = np.diff(self._offsets)
        return {
            "format": FORMAT,
            "name": spec.name,
            "source": spec.source,
            "layout": spec.skeleton.to_dict(),
            "channels": list(spec.channels),
            "units": spec.units,
            "persons": spec.persons,
            "fps": spec.fps,
            "frame_size": spec.frame_size and list(spec.frame_size),
            "classes": list(spec.classes),
            "clips": len(self.rows),
            "frames": {"all": int(lengths.sum()), "shortest": int(lengths.min()), "longest": int(lengths.max())},
            "classes_without_clips": [
                spec.classes[index] for index in sorted(set(range(len(spec.classes))) - set(labels.tolist()))
            ],
            "clips_of_zeros": self._empty,
            "joints_not_finite": self._repaired,
        }
