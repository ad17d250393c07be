"""NTU RGB+D (Shahroudy et al., CVPR 2016) and NTU RGB+D 120 (Liu et al., TPAMI 2020), from raw ``.skeleton`` files.

Files are called ``SsssCcccPpppRrrrAaaa.skeleton``: setup, camera, performer, replication, action. What they hold is
said in :mod:`slr.data.isolated.readers.ntu_file`, what is done to it in :mod:`slr.data.isolated.readers.ntu_bodies`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from slr.data.isolated.readers.folder import files_of, names_of, sorted_files
from slr.data.isolated.readers.ntu_bodies import RETURNING, SECOND, two_persons
from slr.data.isolated.readers.ntu_classes import ACTIONS
from slr.data.isolated.readers.ntu_file import parse_skeleton
from slr.data.isolated.readers.processes import in_processes
from slr.data.isolated.spec import ClipRow, PartsOfSplits, StoreSpec

_ENDING = ".skeleton"
_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")
_SUBJECTS_60 = frozenset((1, 2, 4, 5, 8, 9, *range(13, 20), 25, 27, 28, 31, 34, 35, 38))
_SUBJECTS_120 = _SUBJECTS_60 | {
    45, 46, 47, 49, 50, *range(52, 60), 70, 74, 78, *range(80, 87), 89, *range(91, 96), 97, 98, 100, 103,
}  # fmt: skip


@dataclass(frozen=True)
class NTUName:
    """What the name of a file says."""

    setup: int
    camera: int
    performer: int
    replication: int
    action: int

    @classmethod
    def parse(cls, name: str) -> NTUName | None:
        """The meaning of a name without its ending; None where it is no such name."""
        found = _NAME.fullmatch(name)
        return None if found is None else cls(*(int(number) for number in found.groups()))

    def row(self, name: str, label: int) -> ClipRow:
        """The clip as a store keeps it."""
        return ClipRow(name, label, f"P{self.performer:03d}", f"C{self.camera:03d}", f"S{self.setup:03d}")


@dataclass(frozen=True)
class Variant:
    """One of the two data sets: how many clips it has, how it is split, and what a missing second person becomes."""

    name: str
    actions: int
    clips: int
    second: str
    trains: Mapping[str, Callable[[NTUName], bool]]  # by split: whether a clip trains, else it tests
    counts: Mapping[str, tuple[int, int]]  # by split: clips that train and that test


VARIANTS = {
    "60": Variant(
        name="NTU RGB+D 60",
        actions=60,
        clips=56_578,
        second="zeros",
        trains={"x-sub": lambda clip: clip.performer in _SUBJECTS_60, "x-view": lambda clip: clip.camera in (2, 3)},
        counts={"x-sub": (40_091, 16_487), "x-view": (37_646, 18_932)},
    ),
    "120": Variant(
        name="NTU RGB+D 120",
        actions=120,
        clips=113_945,
        second="copy",
        trains={"x-sub": lambda clip: clip.performer in _SUBJECTS_120, "x-set": lambda clip: clip.setup % 2 == 0},
        counts={"x-sub": (63_026, 50_919), "x-set": (54_468, 59_477)},
    ),
}


class NTU:
    """The clips of a folder, or a zip archive, of ``.skeleton`` files.

    Of the clips as they are distributed 302 (NTU RGB+D 60) and 535 (120) have no usable skeletons and are left out by
    everybody; a list says which, either of the clips to read or of those to leave out.

    Args:
        source: the folder, with or without folders below it, or the archive.
        variant: ``60`` or ``120``.
        names: file of the names of the clips to read, one a line; all that are there when left out.
        without: file of the names of clips to leave out, one a line; text around a name does not matter.
        complete: refuse anything but all clips of the data set.
        returning: see :func:`~slr.data.isolated.readers.ntu_bodies.two_persons`.
        second: likewise; that of the data set when left out.
        workers: processes that read a folder; an archive is read by one.

    Raises:
        ValueError: when there is no such thing, clips are missing, or a list names clips that are not there.
    """

    def __init__(
        self,
        source: Path | str,
        variant: str = "60",
        *,
        names: Path | str | None = None,
        without: Path | str | None = None,
        complete: bool = True,
        returning: str = "keep",
        second: str | None = None,
        workers: int = 1,
    ) -> None:
        self.source = Path(source)
        self.variant = VARIANTS[variant]
        second = self.variant.second if second is None else second
        if returning not in RETURNING or second not in SECOND:
            raise ValueError(f"returning is one of {', '.join(RETURNING)}, second one of {', '.join(SECOND)}")
        self._make = partial(_clip, returning=returning, second=second)
        self._workers = workers
        self._wanted = self._choose(names, without, complete)
        self.spec = StoreSpec(
            name=self.variant.name,
            layout="ntu-25",
            channels=("x", "y", "z"),
            classes=ACTIONS[: self.variant.actions],
            units="metres",
            persons=2,
            fps=30.0,
            source=(
                f"raw .skeleton files, cleaned up as in SGN and CTR-GCN; bodies that vanish and return: {returning}; a "
                f"second person who is not there: {second}"
            ),
        )

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._wanted)

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        """Every clip by its name, with keypoints ``[T, 2, 25, 3]``.

        Raises:
            ValueError: when a file is malformed or shows nobody.
        """
        for name, keypoints in self._read():
            told = NTUName.parse(name)
            assert told is not None, name
            yield told.row(name, told.action - 1), keypoints

    def splits(self, rows: Sequence[ClipRow]) -> PartsOfSplits:
        """``x-sub`` and ``x-view`` (60), or ``x-sub`` and ``x-set`` (120)."""
        return ntu_splits([row.id for row in rows], self.variant)

    def _read(self) -> Iterator[tuple[str, np.ndarray]]:
        if self._workers <= 1 or not self.source.is_dir():
            for name, content in files_of(self.source, self._is_wanted):
                yield self._make((name.removesuffix(_ENDING), content))
            return
        paths = sorted_files(self.source, self._is_wanted)
        yield from in_processes(partial(_clip_at, make=self._make), paths, self._workers)

    def _is_wanted(self, name: str) -> bool:
        return name.endswith(_ENDING) and name.removesuffix(_ENDING) in self._wanted

    def _choose(self, names: Path | str | None, without: Path | str | None, complete: bool) -> frozenset[str]:
        there = {name.removesuffix(_ENDING) for name in names_of(self.source) if name.endswith(_ENDING)}
        there = {name for name in there if (told := NTUName.parse(name)) and told.action <= self.variant.actions}
        wanted = there if names is None else _listed(Path(names))
        missing = sorted(wanted - there)
        if missing:
            raise ValueError(f"{names} names {len(missing)} clips that {self.source} lacks, {missing[0]} among them")
        if without is not None:
            wanted = wanted - _listed(Path(without))
        if not wanted or (complete and len(wanted) != self.variant.clips):
            raise ValueError(
                f"{self.source} holds {len(wanted)} .skeleton files to read, and {self.variant.name} has "
                f"{self.variant.clips} clips with skeletons: say which to leave out with --without FILE (the authors "
                "list them) or which to read with --names FILE" + (", or prepare it --incomplete" if wanted else "")
            )
        if complete:
            self._check_counts(wanted)
        return frozenset(wanted)

    def _check_counts(self, names: Iterable[str]) -> None:
        for split, parts in ntu_splits(names, self.variant).items():
            found = (len(parts["train"]), len(parts["test"]))
            if found != self.variant.counts[split]:
                raise ValueError(
                    f"{split} of the clips in {self.source} has {found[0]} to train and {found[1]} to test, and "
                    f"{self.variant.name} {self.variant.counts[split]}: other clips were left out than the authors say"
                )


def ntu_splits(names: Iterable[str], variant: Variant) -> dict[str, dict[str, list[str]]]:
    """The official splits of clips by name."""
    told = {name: NTUName.parse(name) for name in names}
    parts: dict[str, dict[str, list[str]]] = {}
    for split, trains in variant.trains.items():
        parts[split] = {"train": [], "test": []}
        for name, clip in told.items():
            assert clip is not None, name
            parts[split]["train" if trains(clip) else "test"].append(name)
    return parts


def _listed(path: Path) -> set[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise ValueError(f"the list {path} cannot be read: {fault.strerror}") from fault
    found = {match.group() for match in _NAME.finditer(text)}
    if not found:
        raise ValueError(f"{path} lists no clip: it needs names as S001C001P001R001A001, one a line")
    return found


def _clip_at(path: Path, make: Callable[[tuple[str, bytes]], tuple[str, np.ndarray]]) -> tuple[str, np.ndarray]:
    return make((path.stem, path.read_bytes()))


def _clip(file: tuple[str, bytes], returning: str, second: str) -> tuple[str, np.ndarray]:
    name, content = file
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as fault:
        raise ValueError(f"{name}.skeleton is no text ({fault}): it is damaged") from fault
    clip = parse_skeleton(text, f"{name}.skeleton")
    if not clip.bodies:
        raise ValueError(
            f"{name}.skeleton shows nobody: name it in the file of --without, as the authors of the data do"
        )
    return name, two_persons(clip, returning=returning, second=second)
