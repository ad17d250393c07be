"""Where the values of a configuration come from: a file, its bases, a named corpus, the words of a command line."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.faults import Fault, Place, did_you_mean, dotted
from workbench.yaml_text import COMMAND_LINE, Node, parse_word, read_yaml

BASE = "base"
DATA = "data"
# A mapping that chooses what it is by one of these keys keeps none of the settings of what it was before.
CHOOSING_KEYS = ("_target_", "kind")
_PROJECT_CONFIGS = Path(__file__).resolve().parent.parent / "configs"


@dataclass(frozen=True)
class Keys:
    """Which keys a place of a schema may have: the ``known`` ones, and any other one where it is open.

    Where the values are sections of their own, such as losses by name, a new one comes ``whole``: as a mapping.
    """

    known: frozenset[str] = frozenset()
    open: bool = False
    whole: bool = False


def read_layers(path: Path | str, faults: list[Fault], *, above: tuple[Path, ...] = ()) -> Node:
    """A file merged over its ``base:`` and with its ``data: NAME`` looked up; ``above`` are the files that led here."""
    path = Path(path)
    if path.resolve() in above:
        way = ", ".join(map(str, above[1:])) or "itself"
        faults.append(Fault((), f"{path} is its own base, by way of {way}", fatal=True))
        return Node({})
    if not path.is_file():
        faults.append(Fault((), f"{path} does not exist{_near_files(path)}", fatal=True))
        return Node({})
    root = read_yaml(path, faults)
    if root is None:
        return Node({})
    if not isinstance(root.value, dict):
        faults.append(
            Fault((), f"{path} should hold a mapping, it holds a {type(root.value).__name__}", root.origin, fatal=True)
        )
        return Node({})
    base = root.value.pop(BASE, None)
    if DATA in root.value and isinstance(root.value[DATA].value, str):
        root.value[DATA] = read_data(root.value[DATA], path.parent, path.parent, faults)
    if base is None:
        return root
    if not isinstance(base.value, str):
        faults.append(Fault((BASE,), "should be the path of one YAML file, relative to this one", base.origin))
        return root
    return merged(read_layers(path.parent / base.value, faults, above=(*above, path.resolve())), root)


def read_data(name: Node, configs: Path, relative_to: Path, faults: list[Fault]) -> Node:
    """The data section called ``name``: ``data/NAME.yaml`` of the configs folder, or the path of a YAML file.

    ``configs`` is the folder of the configuration; the ``data`` folder stands in it or in a folder above it.
    """
    text = str(name.value)
    within: list[Fault] = []
    if "/" in text or "\\" in text or text.endswith((".yaml", ".yml")):
        found = read_layers(relative_to / text, within)
    else:
        folders = _data_folders(configs)
        files = [folder / f"{text}.yaml" for folder in folders]
        file = next((file for file in files if file.is_file()), None)
        if file is None:
            known = [known.stem for folder in folders for known in folder.glob("*.yaml")]
            hint = did_you_mean(text, known) or f"; there is no {configs / DATA} folder with corpora in it"
            faults.append(Fault((DATA,), f"no corpus is called {text!r}{hint}", name.origin, fatal=True))
            return Node({}, name.origin, whole=True)
        found = read_layers(file, within)
    faults += [replace(fault, place=(DATA, *fault.place)) for fault in within]
    found.whole = True
    return found


def merged(base: Node, over: Node) -> Node:
    """``over`` laid over ``base``: mappings key by key, everything else replaced.

    A mapping whose ``_target_`` or ``kind`` differs from the one below replaces it with all its other keys.
    """
    if over.whole or not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    for key in CHOOSING_KEYS:
        if key in over.value and over.value[key].plain() != (base.value[key].plain() if key in base.value else None):
            return over
    result = dict(base.value)
    for key, child in over.value.items():
        result[key] = merged(base.value[key], child) if key in base.value else child
    return Node(result, over.origin or base.origin, whole=base.whole)


def apply_words(
    root: Node,
    words: Sequence[str],
    configs: Path,
    schema_keys: Callable[[Place], Keys],
    faults: list[Fault],
) -> Node:
    """Apply override words ``dotted.key=value``: whatever their order, ``data=NAME`` first and each ``_target_`` next.

    ``schema_keys`` tells which keys a place of the schema may have.
    """
    settings = [setting for word in words if (setting := _split(word, faults)) is not None]
    settings.sort(key=lambda setting: _rank(*setting))
    for place, value in settings:
        if place == (DATA,) and isinstance(value.value, str):
            value = read_data(value, configs, Path(), faults)
        root = _set(root, place, value, schema_keys, faults)
    return root


def _rank(place: Place, value: Node) -> tuple[int, int]:
    if place == (DATA,):
        return (0, 0)
    if isinstance(value.value, dict | list):  # whole sections before what is set inside them
        return (1, len(place))
    return (2, len(place)) if place[-1] in CHOOSING_KEYS else (3, 0)


def _split(word: str, faults: list[Fault]) -> tuple[Place, Node] | None:
    key, sign, text = word.partition("=")
    key = key.strip().removeprefix("--")
    if not sign or not key or not all(key.split(".")):
        faults.append(Fault((), f"{word!r} is no override: write dotted.key=value", COMMAND_LINE))
        return None
    if not text.strip():
        faults.append(Fault(tuple(key.split(".")), "has no value after the = sign: write null for none", COMMAND_LINE))
        return None
    place = tuple(key.split("."))
    within: list[Fault] = []
    value = parse_word(text, COMMAND_LINE, within)
    faults += [replace(fault, place=(*place, *fault.place)) for fault in within]
    return None if value is None else (place, value)


def _set(root: Node, place: Place, value: Node, schema_keys: Callable[[Place], Keys], faults: list[Fault]) -> Node:
    """Set one value, making the mappings on the way that the schema knows and the files left out."""
    node = root
    walked: Place = ()
    for index, word in enumerate(place):
        last = index == len(place) - 1
        key = _list_index(node, str(word)) if isinstance(node.value, list) else word
        child = node.child(key) if key is not None else None
        keys = schema_keys(walked)
        if child is None and not _may_add(node, keys, str(word), value if last else None):
            faults.append(Fault(place, _unknown(root, node, walked, str(word), keys), COMMAND_LINE))
            return root
        assert key is not None
        if last:
            _put(node, key, value)
        else:
            if child is None or child.value is None:
                child = Node({}, COMMAND_LINE)
                _put(node, key, child)
            node, walked = child, (*walked, key)
    return root


def _put(node: Node, key: str | int, value: Node) -> None:
    if key in CHOOSING_KEYS and isinstance(node.value, dict):
        changed = key not in node.value or node.value[key].plain() != value.plain()
        if changed:
            node.value.clear()
    node.value[key] = value


def _list_index(node: Node, word: str) -> int | None:
    """The index a word means in a list: a number, or the ``name`` of one of its items."""
    if word.isdigit() and int(word) < len(node.value):
        return int(word)
    names = [item.child("name") for item in node.value]
    return next((index for index, name in enumerate(names) if name is not None and name.value == word), None)


def _may_add(node: Node, keys: Keys, word: str, value: Node | None) -> bool:
    """Whether a mapping may get the key ``word`` for ``value``, or for something within it (``None``)."""
    if not isinstance(node.value, dict):
        return False
    whole = value is not None and isinstance(value.value, dict)
    return word in keys.known or (keys.open and (whole or not keys.whole))


def _unknown(root: Node, node: Node, walked: Place, word: str, keys: Keys) -> str:
    if isinstance(node.value, list):
        names = [str(name.value) for item in node.value if (name := item.child("name")) is not None]
        return f"the list has {len(node.value)} items, none called {word!r}{did_you_mean(word, names)}"
    if not isinstance(node.value, dict):
        return f"{dotted(walked)} is {node.value!r}, there is nothing in it to set"
    known = {*node.value, *keys.known}
    elsewhere = [dotted(place) for place in _places(root, ()) if place[-1] == word]
    if elsewhere and not difflib.get_close_matches(word, known):
        return f"no such key; did you mean {' or '.join(elsewhere[:3])}?"
    return f"no such key{did_you_mean(word, known)}"


def _places(node: Node, place: Place) -> Iterator[Place]:
    children: Any = ()
    if isinstance(node.value, dict):
        children = node.value.items()
    elif isinstance(node.value, list):
        children = enumerate(node.value)
    for key, child in children:
        yield (*place, key)
        yield from _places(child, (*place, key))


def _data_folders(configs: Path) -> list[Path]:
    """Where corpora are described: beside the configuration, up to two folders above it, and in the project itself."""
    above = configs.resolve().parents[:2]
    return list(dict.fromkeys([configs / DATA, *(folder / DATA for folder in above), _PROJECT_CONFIGS / DATA]))


def _near_files(path: Path) -> str:
    folder = path.parent
    return did_you_mean(path.name, [file.name for file in folder.glob("*.y*ml")]) if folder.is_dir() else ""
