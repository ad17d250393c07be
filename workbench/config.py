"""Configurations: YAML files, merged, overridden, and checked whole before anything is built.

A file may name one ``base:``; its ``data: NAME`` stands for ``data/NAME.yaml`` beside the configurations; the words of
a command line come last. Whatever is wrong anywhere is reported at once, each fault with its place and who wrote it.
"""

from __future__ import annotations

import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pydantic

from workbench.disk import write_text
from workbench.faults import ConfigError, Fault, Place, did_you_mean
from workbench.layers import Keys, apply_words, read_layers
from workbench.validation import faults_of
from workbench.yaml_text import Node, dump_yaml

__all__ = [
    "ConfigError",
    "Fault",
    "Incidental",
    "Section",
    "Younger",
    "config_hash",
    "load_config",
]


class Section(pydantic.BaseModel):
    """A part of a configuration: every key is known, every type is exact, nothing changes afterwards."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True, ser_json_inf_nan="constants")


class Incidental:
    """Marks a setting that changes no result: :func:`config_hash` leaves it out."""


class Younger:
    """Marks a setting that came when there were runs already: where it is null, hashes leave it out.

    Then it changes nothing, and what was trained without it stays what it was.
    """


ConfigT = TypeVar("ConfigT", bound=Section)


def load_config(path: Path | str, words: Sequence[str] = (), *, schema: type[ConfigT]) -> ConfigT:
    """Read a configuration and apply the override ``words`` of a command line.

    Raises:
        ConfigError: with every fault of the files, the words and the resolved configuration.
    """
    faults: list[Fault] = []
    root = _resolve(path, words, schema, faults)
    plain = root.plain()
    endless = _not_finite(plain)
    faults += [Fault(place, message, _origin(root, place)) for place, message in endless.items()]
    try:
        # By way of JSON, because pydantic is then exact about types and still takes a list for a tuple.
        config = schema.model_validate_json(json.dumps(plain))
    except pydantic.ValidationError as error:
        found = faults_of(error, plain, unknown_key=lambda place: _unknown_key(schema, plain, place))
        # What could not be read would only cause a hail of "is missing".
        lost = [fault.place for fault in faults if fault.fatal]
        told = [fault for fault in found if not any(fault.place[: len(place)] == place for place in [*lost, *endless])]
        faults += [Fault(fault.place, fault.message, _origin(root, fault.place)) for fault in told]
    if faults:
        raise ConfigError(_in_order(faults, root), str(path))
    return config


def resolved_value(path: Path | str, words: Sequence[str], place: Place, *, schema: type[Section]) -> Any:
    """What stands at a place of a configuration, words laid over it, before any of it is checked; None for nothing."""
    node = _resolve(path, words, schema, []).at(place)
    return None if node is None else node.plain()


def to_plain(config: Section) -> dict[str, Any]:
    """The configuration as dicts, lists and scalars, with every default written out."""
    return config.model_dump(mode="json")


def write_config(config: Section, path: Path | str) -> None:
    """Write the resolved configuration as YAML; :func:`load_config` reads it back to an equal object.

    Raises:
        NoRoomError: when there is no room.
    """
    write_text(path, dump_yaml(to_plain(config)))


def config_hash(config: Section) -> str:
    """SHA-256 of the resolved settings, without those marked :class:`Incidental` (output folder, device, threads)."""
    return content_hash(essential(config))


def content_hash(value: Any) -> str:
    """SHA-256 of plain data: of its JSON with sorted keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def essential(value: Any) -> Any:
    """A resolved configuration as plain data, without settings that change no result."""
    if isinstance(value, Section):
        fields = type(value).model_fields
        return {name: essential(child) for name, child in value if _counts(fields[name], child)}
    if isinstance(value, Mapping):
        return {key: essential(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [essential(child) for child in value]
    return value


def _counts(field: pydantic.fields.FieldInfo, value: Any) -> bool:
    return Incidental not in field.metadata and not (value is None and Younger in field.metadata)


def _resolve(path: Path | str, words: Sequence[str], schema: type[Section], faults: list[Fault]) -> Node:
    root = read_layers(path, faults)
    return apply_words(root, words, Path(path).parent, lambda place: _schema_keys(schema, place), faults)


def _not_finite(plain: Any) -> dict[Place, str]:
    """No setting means anything at infinity, and most would only show it as a loss that is not finite, hours later."""
    numbers = {place: value for place, value in _leaves(plain, ()) if isinstance(value, float)}
    return {place: f"should be a finite number, got {n}" for place, n in numbers.items() if not math.isfinite(n)}


def _schema_keys(schema: type[Section], place: Place) -> Keys:
    annotation: Any = schema
    for key in place:
        annotation = _annotation_below(annotation, key)
    found = _section(annotation)
    if found is not None:
        return Keys(frozenset(found.model_fields))
    return Keys(open=True, whole=_section(_annotation_below(annotation, "")) is not None)


def _section(annotation: Any) -> type[Section] | None:
    annotation = _bare(annotation)
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _annotation_below(annotation: Any, key: str | int) -> Any:
    section = _section(annotation)
    if section is not None:
        return section.model_fields[str(key)].annotation if key in section.model_fields else None
    annotation = _bare(annotation)
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) in (dict, Mapping) and arguments:
        return arguments[1]
    return arguments[0] if typing.get_origin(annotation) in (tuple, list) and arguments else None


def _bare(annotation: Any) -> Any:
    """An annotation without ``Annotated`` and without ``| None``."""
    if typing.get_origin(annotation) is Annotated:
        return _bare(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        rest = [part for part in typing.get_args(annotation) if part is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else annotation
    return annotation


def _unknown_key(schema: type[Section], plain: Any, place: Place) -> str:
    known = _schema_keys(schema, place[:-1]).known
    for key in place[:-1]:
        plain = plain[key]
    return f"unknown key{did_you_mean(str(place[-1]), known - set(plain))}"


def _origin(root: Node, place: Place) -> str:
    """Who wrote the value at ``place``, or the nearest mapping around it."""
    for length in range(len(place), 0, -1):
        node = root.at(place[:length])
        if node is not None:
            return node.origin
    return root.origin.rpartition(":")[0] or root.origin


def _in_order(faults: list[Fault], root: Node) -> list[Fault]:
    """Faults in the order of the file, then those of the command line."""
    places = {place: index for index, (place, _) in enumerate(_leaves(root.plain(), (), inner=True))}
    return sorted(faults, key=lambda fault: _position(fault.place, places))


def _position(place: Place, order: Mapping[Place, int]) -> int:
    return next((order[place[:length]] for length in range(len(place), 0, -1) if place[:length] in order), len(order))


def _leaves(value: Any, place: Place, *, inner: bool = False) -> list[tuple[Place, Any]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if not children:
        return [(place, value)]
    here = [(place, value)] if inner else []
    return [*here, *(leaf for key, child in children for leaf in _leaves(child, (*place, key), inner=inner))]
