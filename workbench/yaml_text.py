"""YAML as a configuration needs it: YAML 1.2 numbers and booleans, no repeated key, every value with its line.

PyYAML follows YAML 1.1, which reads ``1e-4`` as text, ``NO`` as false and ``012`` as ten, and it lets the second of two
equal keys win in silence. The scalars here follow the core schema of YAML 1.2 (section 10.3.2) instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from workbench.faults import Fault, Place

COMMAND_LINE = "command line"
_MOST_VALUES = 100_000  # aliases of aliases can stand for more values than there is memory

_PLAIN = {
    "null": (re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    "bool": (re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    "int": (re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")),
    "float": (
        re.compile(
            r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        list("-+.0123456789"),
    ),
}


@dataclass
class Node:
    """A value of a configuration and who wrote it; mappings and sequences hold further nodes.

    A node that is ``whole`` replaces what it is merged over instead of being merged into it.
    """

    value: Any
    origin: str = ""
    whole: bool = field(default=False, compare=False)

    def plain(self) -> Any:
        """The value without its origins."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def at(self, place: Place) -> Node | None:
        """The node at ``place`` below this one, if there is one."""
        node: Node | None = self
        for key in place:
            node = node.child(key) if node is not None else None
        return node

    def child(self, key: str | int) -> Node | None:
        """The node one step below, if there is one."""
        if isinstance(self.value, dict):
            return self.value.get(key)
        if isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            return self.value[key]
        return None


def read_yaml(path: Path | str, faults: list[Fault]) -> Node | None:
    """Read one file; what is wrong with it is appended to ``faults``, and None means that nothing could be read."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Fault((), f"{path} cannot be read: {_reason(error)}", fatal=True))
        return None
    return parse_yaml(text, str(path), faults)


def parse_yaml(text: str, name: str, faults: list[Fault]) -> Node | None:
    """Read YAML text; ``name`` stands for the file in origins and messages."""
    try:
        root = _composed(text)
        if root is None:
            faults.append(Fault((), f"{name} is empty", fatal=True))
            return None
        return _Converter(name, faults).convert(root, ())
    except yaml.YAMLError as error:
        faults.append(_syntax_fault(error, name))
    except RecursionError:
        faults.append(Fault((), f"{name} is nested too deeply to be read", fatal=True))
    return None


def parse_word(text: str, name: str, faults: list[Fault]) -> Node | None:
    """The value of an override word: a flow collection, a quoted text or a plain scalar.

    A plain scalar is taken as it stands, so that a colon, a hash sign or a star in it needs no quoting.
    """
    stripped = text.strip()
    if stripped[:1] in ("{", "[", '"', "'"):
        return parse_yaml(stripped, name, faults)
    return Node(_scalar(_resolved_kind(stripped), stripped), name)


def dump_yaml(value: Any) -> str:
    """Plain dicts, lists and scalars as YAML that :func:`parse_yaml` reads back to the same values."""
    return yaml.dump(value, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=110)


class _Reader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way to declare them


# libyaml, which PyYAML's wheels bring, reads ten times as fast; a PyYAML built without it has the slow one alone.
_Library = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FastReader: type[yaml.SafeLoader] = type("_FastReader", (_Library,), {"yaml_implicit_resolvers": {}})


def _composed(text: str) -> yaml.Node | None:
    """The root of the one document in ``text``."""
    try:
        return _root(text, _FastReader)
    except (yaml.YAMLError, UnicodeEncodeError):  # the latter where the text has half of a surrogate pair
        return _root(text, _Reader)  # says better what is wrong


def _root(text: str, kind: type[yaml.SafeLoader]) -> yaml.Node | None:
    reader = kind(text)
    try:
        return reader.get_single_node()
    finally:
        reader.dispose()


# PyYAML writes these as they stand and reads them back as line breaks or not at all, unless they are in double quotes.
_LINE_BREAKS = {"\x85", "\u2028", "\u2029", "\ufeff"}


class _Writer(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.ScalarNode:
        # Text that another reader would take for something else, such as NO under YAML 1.1, is quoted for its sake.
        ambiguous = _OLD_RESOLVER.resolve(yaml.ScalarNode, data, (True, False)) != "tag:yaml.org,2002:str"
        style = '"' if _LINE_BREAKS & set(data) else "'" if ambiguous else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Writer.add_representer(str, _Writer.represent_text)
_OLD_RESOLVER = yaml.resolver.Resolver()
for _kind, (_pattern, _first) in _PLAIN.items():
    for _class in (_Reader, _FastReader, _Writer):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _pattern, _first)


class _Converter:
    """Composed YAML nodes -> our nodes, gathering faults instead of stopping at the first."""

    def __init__(self, name: str, faults: list[Fault]) -> None:
        self.name = name
        self.faults = faults
        self._around: list[yaml.Node] = []
        self._count = 0

    def convert(self, node: yaml.Node, place: Place) -> Node:
        """An aliased node is converted once for each place it stands in, so that these can be changed apart."""
        self._count += 1
        if any(node is outer for outer in self._around):
            self.faults.append(Fault(place, "this alias stands within what it stands for", self._origin(node)))
            return Node(None, self._origin(node))
        if self._count > _MOST_VALUES:
            raise yaml.YAMLError(f"it has more than {_MOST_VALUES} values")
        self._around.append(node)
        converted = self._convert(node, place)
        self._around.pop()
        return converted

    def _convert(self, node: yaml.Node, place: Place) -> Node:
        origin = self._origin(node)
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return Node(self._mapping(node, place), origin)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return Node([self.convert(child, (*place, index)) for index, child in enumerate(node.value)], origin)
        if isinstance(node, yaml.ScalarNode) and (kind in _PLAIN or kind == "str"):
            return Node(_scalar(kind, node.value), origin)
        self.faults.append(Fault(place, f"the tag {node.tag} is not supported: write plain values", origin))
        return Node(None, origin)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Node]:
        result: dict[str, Node] = {}
        for key_node, value_node in node.value:
            origin = self._origin(key_node)
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode) or not key_node.tag.endswith(":str"):
                self.faults.append(Fault(place, "a key must be a word; quote it if it is meant as text", origin))
            elif key in result:
                first = result[key].origin
                self.faults.append(Fault((*place, key), f"the key stands twice, first at {first}", origin))
            else:
                result[key] = self.convert(value_node, (*place, key))
                result[key].origin = origin
        return result

    def _origin(self, node: yaml.Node) -> str:
        if self.name == COMMAND_LINE:
            return COMMAND_LINE
        return f"{self.name}:{node.start_mark.line + 1}"


def _scalar(kind: str, text: str) -> Any:
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if kind == "float":
        return float(re.sub(r"\.(?=[iInN])", "", text))  # Python writes inf and nan without the dot
    return text


def _resolved_kind(text: str) -> str:
    return next((kind for kind, (pattern, _) in _PLAIN.items() if pattern.match(text)), "str")


def _syntax_fault(error: yaml.YAMLError, name: str) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    where = f"{name}:{mark.line + 1}" if mark is not None and name != COMMAND_LINE else name
    return Fault((), f"not valid YAML: {problem}", where, fatal=name != COMMAND_LINE)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return {FileNotFoundError: "there is no such file", IsADirectoryError: "it is a folder"}.get(
        type(error), error.strerror or str(error)
    )
