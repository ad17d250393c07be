"""Lists of classes in the forms in which they are handed round."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path


def read_classes(path: Path | str) -> tuple[str, ...]:
    """Names of classes by label.

    A JSON list; a JSON mapping from name to label (Google ISLR) or from label to name (Slovo); or lines, each a name,
    or a label and a name (WLASL, SLR500). Labels count from 0.

    Raises:
        ValueError: when the file is missing, or is none of these, or leaves out a label.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise ValueError(f"the list of classes {path} cannot be read: {fault}") from fault
    numbered = _from_json(path, text) if path.suffix == ".json" else _from_lines(text)
    labels = [label for label, _ in numbered]
    if sorted(labels) != list(range(len(labels))) or not labels:
        raise ValueError(f"{path} should name the classes 0 to {max(len(labels) - 1, 0)}, each once")
    return tuple(name for _, name in sorted(numbered))


def _from_json(path: Path, text: str) -> list[tuple[int, str]]:
    try:
        content = json.loads(text)
    except ValueError as fault:
        raise ValueError(f"{path} is no JSON ({fault})") from fault
    if isinstance(content, Mapping):
        if all(type(value) is int for value in content.values()):
            return [(value, name) for name, value in content.items()]
        if all(key.isdecimal() and isinstance(value, str) for key, value in content.items()):
            return [(int(key), name) for key, name in content.items()]
    elif isinstance(content, list) and all(isinstance(name, str) for name in content):
        return list(enumerate(content))
    raise ValueError(f"{path} should be a list of names, or a mapping between names and labels")


def _from_lines(text: str) -> list[tuple[int, str]]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [re.fullmatch(r"(\d+)[\s,]+(.+)", line) for line in lines]
    if all(found):
        return [(int(match[1]), match[2]) for match in found if match]
    return list(enumerate(lines))
