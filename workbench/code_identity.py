"""What the code of components says, as a hash: a network whose code was edited is another network."""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.components import TARGET, is_component
from workbench.config import content_hash
from workbench.targets import ALLOWED_ROOTS, resolve

# Code of torch is torch's to keep stable.
ROOMS = tuple(root for root in ALLOWED_ROOTS if not root.startswith("torch."))


def code_hash(*nodes: Any) -> str:
    """Hash of the modules that define the components within ``nodes``, see :func:`module_hash`."""
    modules = {inspect.getmodule(resolve(path).call) for node in nodes for path in _targets(node)}
    return module_hash(*(module.__name__ for module in modules if module is not None))


def module_hash(*names: str) -> str:
    """Hash of the project's modules among ``names``, and of those of the project that they import.

    Comments, docstrings and layout do not count.
    """
    reached: set[str] = set()
    todo = [name for name in names if _ours(name)]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += _imports(name)
    return content_hash({name: _code(name) for name in reached})


def _targets(node: Any) -> Iterator[str]:
    """The targets of all components within plain data."""
    if is_component(node):
        yield node[TARGET]
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ()
    for child in children:
        yield from _targets(child)


def _ours(module: str) -> bool:
    return module.split(".")[0] in ROOMS


@functools.cache
def _tree(module: str) -> ast.Module:
    spec = importlib.util.find_spec(module)
    source = None if spec is None else spec.origin
    assert source is not None, f"{module} has no source"
    return ast.parse(Path(source).read_text(encoding="utf-8"))


@functools.cache
def _imports(module: str) -> tuple[str, ...]:
    """The modules of the project that a module names in its imports."""
    named = []
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{module} has a relative import"
            named.append(node.module)
            named += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(name for name in named if _ours(name) and _is_module(name))


@functools.cache
def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # what is left of the last dot is a module and no package
        return False


@functools.cache
def _code(module: str) -> str:
    return ast.dump(without_docstrings(_tree(module)))


def without_docstrings(tree: ast.Module) -> ast.Module:
    """The same program without its docstrings; ``tree`` itself is changed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return tree
