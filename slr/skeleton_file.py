"""The files of skeleton layouts: names in, joint numbers out, every fault in a sentence."""

from __future__ import annotations

import difflib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from slr.skeleton import SkeletonLayout

_OWN = ("name", "joints", "bones", "mirror", "groups", "roots", "centre", "reference")
_SUBSET = ("name", "of", "select", "bones", "mirror", "groups", "roots", "centre", "reference")


def read_yaml(path: Path | str) -> Mapping[str, Any]:
    """The mapping in a YAML file.

    Raises:
        ValueError: when the file does not exist, is not YAML, repeats a key or holds anything but a mapping.
    """
    try:
        fields = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except FileNotFoundError as error:
        raise ValueError(f"there is no skeleton layout file {path}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"skeleton layout file {path} is not readable YAML: {' '.join(str(error).split())}") from error
    if not isinstance(fields, Mapping):
        raise ValueError(f"skeleton layout file {path} holds a {type(fields).__name__}, not a mapping with 'joints'")
    return fields


class _UniqueKeys(yaml.SafeLoader):
    """YAML lets a repeated key win silently; here it is a fault."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = [str(key) for key, times in Counter(map(str, keys)).items() if times > 1]
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"repeated key {repeated[0]!r}", node.start_mark)
        return super().construct_mapping(node, deep)


def parse(fields: Mapping[str, Any], where: str, find: Callable[[str], SkeletonLayout]) -> dict[str, Any]:
    """Arguments of ``SkeletonLayout`` from the content of a layout file; ``find`` gives the layout behind a subset.

    Raises:
        ValueError: listing every fault, when the content is not a layout.
    """
    allowed = _SUBSET if "of" in fields or "select" in fields else _OWN
    required = ("name", "of", "select") if allowed is _SUBSET else ("name", "joints", "bones", "groups", "centre")
    faults = [f"unknown key {key!r} (known are {', '.join(allowed)})" for key in fields if key not in allowed]
    faults += [f"{key!r} is missing" for key in required if key not in fields]
    faults += [
        f"{key!r} should be a word" for key in ("name", "of", "centre") if not isinstance(fields.get(key, ""), str)
    ]
    if faults:
        raise ValueError(f"{where}: {'; '.join(faults)}")
    reader = _Reader(fields)
    arguments = reader.subset(find(fields["of"])) if allowed is _SUBSET else reader.whole()
    if reader.faults:
        raise ValueError(f"{where}: {'; '.join(reader.faults)}")
    return arguments


class _Reader:
    """Turns the names of one layout file into joint numbers and collects what is wrong."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields
        self.faults: list[str] = []
        self.places: dict[str, int] = {}

    def whole(self) -> dict[str, Any]:
        """A layout that lists its own joints."""
        joints = tuple(self._expand(self.fields["joints"], "joints", str))
        self.places = {joint: index for index, joint in enumerate(joints)}
        groups = self._groups() or {}
        return {
            "name": self.fields["name"],
            "joints": joints,
            "bones": self._bones() or (),
            "mirror": self._mirror(self._named_pairs()),
            "groups": groups,
            "roots": self._roots() or {},
            "centre": self._centre() or 0,
            "reference": self._reference(),
        }

    def subset(self, base: SkeletonLayout) -> dict[str, Any]:
        """A layout that selects joints of ``base`` and inherits what it does not say."""
        selected = self._expand(self.fields["select"], "select", int)
        outside = [index for index in selected if not 0 <= index < len(base)]
        if outside:
            self.faults.append(f"'select' holds {outside[0]}, but {base.name!r} has joints 0 to {len(base) - 1}")
        selected = [index for index in selected if 0 <= index < len(base)]
        joints = tuple(base.joints[index] for index in selected)
        self.places = {joint: index for index, joint in enumerate(joints)}
        new = {old: index for index, old in enumerate(selected)}
        groups = self._groups()
        if groups is None:
            kept = {name: tuple(new[joint] for joint in group if joint in new) for name, group in base.groups.items()}
            groups = {name: group for name, group in kept.items() if group}
        return {
            "name": self.fields["name"],
            "joints": joints,
            "bones": _contracted(base, new) if (bones := self._bones()) is None else bones,
            "mirror": self._mirror(self._inherited_pairs(base, new)),
            "groups": groups,
            "roots": self._inherited_roots(base, new, groups),
            "centre": self._inherited_centre(base, new),
            "reference": self._reference() or _kept_pair(base.reference, new),
        }

    def _expand(self, entries: Any, where: str, kind: type) -> list[Any]:
        """Plain entries and generators such as ``{prefix: face_, first: 0, last: 67}``, written out."""
        if not isinstance(entries, list):
            self.faults.append(f"{where!r} should be a list")
            return []
        written: list[Any] = []
        for entry in entries:
            if isinstance(entry, Mapping):
                written += self._generate(entry, where, kind)
            elif isinstance(entry, kind) and not isinstance(entry, bool):
                written.append(entry)
            else:
                self.faults.append(
                    f"{where!r} holds {entry!r}, which is no {'name' if kind is str else 'joint number'}"
                )
        return written

    def _generate(self, entry: Mapping[str, Any], where: str, kind: type) -> list[Any]:
        numbers = entry.get("numbers")
        if numbers is None and {"first", "last"} <= set(entry) <= {"prefix", "first", "last", "step"}:
            limits = (entry["first"], entry["last"], entry.get("step", 1))
            if all(type(limit) is int for limit in limits) and limits[2] != 0:
                first, last, step = limits
                numbers = list(range(first, last + (1 if step > 0 else -1), step))
        if not numbers or not isinstance(numbers, list) or ("prefix" in entry) != (kind is str):
            form = "{prefix, first, last, step} or {prefix, numbers}" if kind is str else "{first, last, step}"
            self.faults.append(
                f"{where!r} holds {dict(entry)!r}, which is not of the form {form} or stands for no joint"
            )
            return []
        return [f"{entry['prefix']}{number}" for number in numbers] if kind is str else numbers

    def _indexes(self, entries: Any, where: str) -> tuple[int, ...]:
        names = self._expand(entries, where, str)
        unknown = [name for name in names if name not in self.places]
        if unknown:
            close = difflib.get_close_matches(unknown[0], self.places, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            self.faults.append(f"{where} names {', '.join(map(repr, unknown))}, not among the joints{hint}")
        return tuple(self.places[name] for name in names if name in self.places)

    def _joint(self, name: Any, where: str) -> int | None:
        return next(iter(self._indexes([name], where)), None)

    def _bones(self) -> tuple[tuple[int, int], ...] | None:
        if "bones" not in self.fields:
            return None
        bones: list[tuple[int, int]] = []
        for number, chain in enumerate(self.fields["bones"] if isinstance(self.fields["bones"], list) else [None]):
            joints = self._indexes(chain, f"bones[{number}]")
            if isinstance(chain, list) and len(chain) == 1 and isinstance(chain[0], str):
                self.faults.append(f"bones[{number}] holds one joint: a chain goes from parent to child, so it has two")
            bones += itertools.pairwise(joints)
        return tuple(bones)

    def _groups(self) -> dict[str, tuple[int, ...]] | None:
        given = self.fields.get("groups")
        if given is None:
            return None
        if not isinstance(given, Mapping):
            self.faults.append("'groups' should map a name to a list of joints")
            return {}
        groups = {name: self._indexes(part, f"group {name!r}") for name, part in given.items() if part != "rest"}
        taken = {joint for group in groups.values() for joint in group}
        rest = tuple(joint for joint in self.places.values() if joint not in taken)
        return {name: groups.get(name, rest) for name in given}

    def _roots(self) -> dict[str, int] | None:
        given = self.fields.get("roots")
        if given is None:
            return None
        if not isinstance(given, Mapping):
            self.faults.append("'roots' should map a group to a joint")
            return {}
        found = {group: self._joint(joint, f"root of {group!r}") for group, joint in given.items()}
        return {group: joint for group, joint in found.items() if joint is not None}

    def _centre(self) -> int | None:
        return self._joint(self.fields["centre"], "'centre'") if "centre" in self.fields else None

    def _reference(self) -> tuple[int, int] | None:
        given = self.fields.get("reference")
        if given is None:
            return None
        pair = self._indexes(given, "reference")
        if len(pair) != 2:
            self.faults.append("'reference' should be two joints, such as [left_shoulder, right_shoulder]")
            return None
        return pair[0], pair[1]

    def _mirror(self, known: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        """``known`` pairs, except where the file says otherwise."""
        given = self.fields.get("mirror") or {}
        if not isinstance(given, Mapping) or not set(given) <= {"left", "right", "midline"}:
            self.faults.append("'mirror' should hold lists 'left' and 'right' of equal length, and perhaps 'midline'")
            return ()
        left, right, midline = (
            self._indexes(given.get(side, []), f"mirror.{side}") for side in ("left", "right", "midline")
        )
        if len(left) != len(right):
            self.faults.append(f"'mirror' lists {len(left)} joints on the left and {len(right)} on the right")
        said = {*left, *right, *midline}
        pairs = [pair for pair in known if not said & set(pair)]
        pairs += zip(left, right, strict=False)
        self._complain_about_twins(said | {joint for pair in pairs for joint in pair})
        return tuple(pairs)

    def _complain_about_twins(self, settled: set[int]) -> None:
        lonely = [
            joint
            for joint, index in self.places.items()
            if index not in settled and joint.startswith(("left_", "right_"))
        ]
        if lonely:
            self.faults.append(
                f"the mirror image of {', '.join(lonely)} is not among the joints: pair such joints with the nearest "
                "of the other side in 'mirror', or list them under 'midline'"
            )

    def _named_pairs(self) -> list[tuple[int, int]]:
        lefts = [joint for joint in self.places if joint.startswith("left_")]
        twins = {joint: "right_" + joint.removeprefix("left_") for joint in lefts}
        return [(self.places[left], self.places[right]) for left, right in twins.items() if right in self.places]

    def _inherited_pairs(self, base: SkeletonLayout, new: Mapping[int, int]) -> list[tuple[int, int]]:
        return [(new[left], new[right]) for left, right in base.mirror if left in new and right in new]

    def _inherited_roots(
        self, base: SkeletonLayout, new: Mapping[int, int], groups: Mapping[str, Any]
    ) -> dict[str, int]:
        own = self._roots() or {}
        for group, root in base.roots.items():
            if group in groups and group not in own:
                if root in new:
                    own[group] = new[root]
                else:
                    self.faults.append(
                        f"'select' leaves out {base.joints[root]!r}, the root of {group!r}: name another"
                    )
        return own

    def _inherited_centre(self, base: SkeletonLayout, new: Mapping[int, int]) -> int:
        if "centre" in self.fields:
            return self._centre() or 0
        if base.centre not in new:
            self.faults.append(f"'select' leaves out {base.joints[base.centre]!r}, the centre: name another 'centre'")
        return new.get(base.centre, 0)


def unparse(layout: SkeletonLayout) -> dict[str, Any]:
    """What :func:`parse` turns into ``layout`` again, in strings and lists."""

    def names(indexes: Iterable[int]) -> list[str]:
        return [layout.joints[index] for index in indexes]

    paired = {joint for pair in layout.mirror for joint in pair}
    fields = {
        "name": layout.name,
        "joints": list(layout.joints),
        "bones": [names(bone) for bone in layout.bones],
        "mirror": {
            "left": names(left for left, _ in layout.mirror),
            "right": names(right for _, right in layout.mirror),
            "midline": names(joint for joint in range(len(layout)) if joint not in paired),
        },
        "groups": {group: names(members) for group, members in layout.groups.items()},
        "roots": {group: layout.joints[root] for group, root in layout.roots.items()},
        "centre": layout.joints[layout.centre],
    }
    return fields if layout.reference is None else {**fields, "reference": names(layout.reference)}


def _contracted(base: SkeletonLayout, new: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    """Every selected joint hangs on its nearest selected ancestor."""
    parent_of = {child: parent for parent, child in base.bones}
    bones = []
    for joint in new:
        ancestor = parent_of.get(joint)
        while ancestor is not None and ancestor not in new:
            ancestor = parent_of.get(ancestor)
        if ancestor is not None:
            bones.append((new[ancestor], new[joint]))
    return tuple(bones)


def _kept_pair(pair: tuple[int, int] | None, new: Mapping[int, int]) -> tuple[int, int] | None:
    return (new[pair[0]], new[pair[1]]) if pair is not None and pair[0] in new and pair[1] in new else None
