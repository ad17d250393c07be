"""Networks that begin from weights other people trained: ``weights`` is a file, or a name that torchvision knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.components import TARGET
from workbench.targets import resolve

WEIGHTS = "weights"


def weights_file(node: Mapping[str, Any]) -> Path | None:
    """The file that a network begins from; None when there is none, or torchvision fetches it by its name."""
    if node.get(WEIGHTS) is None:
        return None
    value = resolve(node[TARGET]).converted(WEIGHTS, node[WEIGHTS])
    return value if isinstance(value, Path) else None


def weights_digest(nodes: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Hashes of the files that networks begin from, by path, as the entry ``weights``; nothing where there are none.

    Raises:
        OSError: when a file is missing.
    """
    files = {str(file): file for node in nodes if (file := weights_file(node)) is not None}
    hashes = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    return {WEIGHTS: hashes} if hashes else {}


def without_weights(node: Mapping[str, Any]) -> dict[str, Any]:
    """The same network from random weights, for whoever wants its shape or has other weights for it."""
    return {**node, WEIGHTS: None} if WEIGHTS in node else dict(node)
