"""Parts of a corpus that are the same on every machine: folds, and a part of train that is held out."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from slr.data.corpus import SPLITS

HELD_OUT_BY = ("auto", "signer", "camera", "setup", "class")


def stratified_folds(ids: Sequence[str], labels: Sequence[int], folds: int = 5) -> list[list[str]]:
    """Share out clips so that every fold has as many of each class as any other, give or take one.

    The clips of a class follow each other in the order of a hash of their ids, and the classes take turns in where they
    begin, so that the folds are of one size too, give or take one.

    Args:
        ids: of the clips.
        labels: their classes.
        folds: how many parts, two at least.

    Raises:
        ValueError: when there are fewer than two folds, or a class has a single clip.
    """
    if folds < 2:
        raise ValueError(f"{folds} folds are no folds: two at least")
    lonely = [label for label, count in Counter(labels).items() if count < 2]
    if lonely:
        raise ValueError(f"class {min(lonely)} has one clip, which cannot both train and test: leave it out")
    parts: list[list[str]] = [[] for _ in range(folds)]
    turn = 0
    for label in sorted(set(labels)):
        members = sorted((clip for clip, own in zip(ids, labels, strict=True) if own == label), key=_shuffled)
        for clip in members:
            parts[turn % folds].append(clip)
            turn += 1
    return parts


def held_out(groups: Sequence[str], labels: Sequence[int], ids: Sequence[str], share: float) -> list[bool]:
    """Which clips of train are held out: whole groups (signers, cameras) that make up about ``share`` of the clips.

    Groups are taken in the order of a hash of their names, those that would take the last clip of a class from train
    left out, until the share is reached; the one that would overshoot it by more than it lacks is not taken, unless it
    is the first. Where no group is known (all are ""), as many clips of every class are taken, by a hash of their ids.

    Args:
        groups: of every clip, "" where it is not known.
        labels: classes of the clips.
        ids: of the clips.
        share: between 0 and 1, both excluded.

    Returns:
        a truth per clip.

    Raises:
        ValueError: when the share is none, some groups are known and others not, or no group can be spared.
    """
    if not 0 < share < 1:
        raise ValueError(f"held_out {share} is no share of train: it must lie between 0 and 1")
    if not any(groups):
        return _stratified(labels, ids, share)
    if not all(groups):
        lacking = ids[list(groups).index("")]
        raise ValueError(f"clip {lacking!r} belongs to no group and others do: hold out by class instead")
    chosen = _whole_groups(groups, labels, share * len(ids))
    if not chosen:
        raise ValueError(
            f"none of the {len(set(groups))} groups can be held out without taking all clips of a class from train: "
            "hold out by class instead"
        )
    return [group in chosen for group in groups]


def _whole_groups(groups: Sequence[str], labels: Sequence[int], wanted: float) -> set[str]:
    sizes = Counter(groups)
    left = Counter(labels)
    of_group: dict[str, Counter[int]] = defaultdict(Counter)
    for group, label in zip(groups, labels, strict=True):
        of_group[group][label] += 1
    chosen: set[str] = set()
    taken = 0
    for group in sorted(sizes, key=_shuffled):
        lacking = wanted - taken
        if lacking <= 0:
            break
        overshoots = sizes[group] - lacking > lacking and bool(chosen)
        if overshoots or any(left[label] <= count for label, count in of_group[group].items()):
            continue
        chosen.add(group)
        taken += sizes[group]
        left -= of_group[group]
    return chosen


def _stratified(labels: Sequence[int], ids: Sequence[str], share: float) -> list[bool]:
    members: dict[int, list[str]] = defaultdict(list)
    for clip, label in zip(ids, labels, strict=True):
        members[label].append(clip)
    chosen: set[str] = set()
    due = 0.0  # what rounding left over from the classes before, so that the whole comes out right
    for label in sorted(members):
        due += share * len(members[label])
        count = min(round(due), len(members[label]) - 1)
        due -= count
        chosen.update(sorted(members[label], key=_shuffled)[:count])
    return [clip in chosen for clip in ids]


def _shuffled(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def part_codes(name: str, parts: Mapping[str, Sequence[str]], ids: Sequence[str], corpus: str) -> np.ndarray:
    """The part of every clip in one split, ``[N]`` uint8: 0 for none, then 1, 2, 3 for train, dev, test.

    Raises:
        ValueError: when a part has an unknown name, or names a clip that there is not, or that another part has.
    """
    if not re.fullmatch(r"[\w+-][\w.+-]*", name):
        raise ValueError(f"{name!r} is no name of a split of {corpus}: letters, digits and - are, as in x-sub")
    places = {clip: index for index, clip in enumerate(ids)}
    codes = np.zeros(len(ids), dtype=np.uint8)
    for part, members in parts.items():
        if part not in SPLITS:
            raise ValueError(f"split {name!r} of {corpus} has a part {part!r}: there are {', '.join(SPLITS)}")
        _place(name, part, members, places, codes, corpus)
    return codes


def _place(
    name: str, part: str, members: Iterable[str], places: Mapping[str, int], codes: np.ndarray, corpus: str
) -> None:
    members = list(members)
    unknown = [clip for clip in members if clip not in places]
    if unknown:
        raise ValueError(
            f"split {name!r} of {corpus} names {len(unknown)} clips in {part} that there are no keypoints of, "
            f"{unknown[0]!r} among them: take them out of the list, or add their keypoints"
        )
    for clip in members:
        if codes[places[clip]]:
            other = SPLITS[codes[places[clip]] - 1]
            where = f"twice in {part}" if other == part else f"in {other} and in {part}"
            raise ValueError(f"split {name!r} of {corpus} has clip {clip!r} {where}: a clip stands in one part")
        codes[places[clip]] = SPLITS.index(part) + 1
