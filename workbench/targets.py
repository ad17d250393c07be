"""Dotted paths: which class or function they name, what arguments it takes, and whether a configuration may call it."""

from __future__ import annotations

import collections.abc
import enum
import functools
import importlib
import importlib.util
import inspect
import json
import pkgutil
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pydantic
import typing_extensions
from pydantic_core import PydanticCustomError

from workbench.faults import Fault, Place, did_you_mean, shown
from workbench.validation import faults_of

ALLOWED_ROOTS = ("slr", "kd", "teachers", "students", "torch.optim", "torch.nn")


@dataclass(frozen=True)
class Target:
    """A class or function that a configuration may call.

    ``parameters`` are those that can be given by name; ``open_ended`` is true when it takes any further name.
    """

    path: str
    call: Callable[..., Any]
    parameters: Mapping[str, inspect.Parameter]
    open_ended: bool

    def argument_faults(self, name: str, value: Any, place: Place) -> list[Fault]:
        """What is wrong with ``value`` as the argument ``name``, as far as its annotation tells."""
        adapter = self._adapter(name)
        if adapter is None:
            return []
        try:
            adapter.validate_json(json.dumps(value))
        except pydantic.ValidationError as error:
            return faults_of(error, value, place)
        return []

    def converted(self, name: str, value: Any) -> Any:
        """``value`` as its annotation wants it: a list as a tuple, a text as a Path."""
        adapter = self._adapter(name)
        return value if adapter is None else adapter.validate_json(json.dumps(value))

    def wants_tuple(self, name: str) -> bool:
        """Whether the argument ``name`` is annotated as a tuple."""
        annotation = _annotation(self.call, self.parameters[name]) if name in self.parameters else None
        return annotation is tuple or typing.get_origin(annotation) is tuple

    def _adapter(self, name: str) -> pydantic.TypeAdapter[Any] | None:
        parameter = self.parameters.get(name)
        return _adapter(_annotation(self.call, parameter)) if parameter is not None else None


def resolve(path: Any) -> Target:
    """The target that a dotted path names.

    Raises:
        ValueError: when the path leads nowhere, outside the allowed roots, to something private, abstract or not
            callable, or past the name that its package exports; one sentence says which.
    """
    if not isinstance(path, str) or not all(part.isidentifier() for part in path.split(".")):
        raise ValueError(f"should be a dotted path such as students.SomeNetwork, got {shown(path)}")
    if any(part.startswith("_") for part in path.split(".")):
        raise ValueError(f"{path} is private: a component is a name that its package exports")
    if not _allowed(path):
        raise ValueError(f"{path} is not allowed: components live under {', '.join(ALLOWED_ROOTS)}")
    module, names = _longest_module(path)
    found: Any = functools.reduce(_member, names, module)
    _refuse_unfit(path, found, module)
    by_name, open_ended = _parameters(found)
    return Target(path, found, by_name, open_ended)


def _parameters(call: Callable[..., Any]) -> tuple[dict[str, inspect.Parameter], bool]:
    """What can be given by name, and whether any further name can; ``**options: Unpack[Options]`` names its keys."""
    by_name, open_ended = {}, False
    for name, parameter in inspect.signature(call).parameters.items():
        if _can_be_named(parameter):
            by_name[name] = parameter
        elif parameter.kind is parameter.VAR_KEYWORD:
            options = _annotation(call, parameter)
            if typing_extensions.get_origin(options) is typing_extensions.Unpack:
                by_name |= _typed_options(*typing_extensions.get_args(options))
            else:
                open_ended = True
    return by_name, open_ended


def _typed_options(options: Any) -> dict[str, inspect.Parameter]:
    """The keys of a ``TypedDict`` as parameters (PEP 692); what a key that is left out means, its owner knows."""
    return {
        name: inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if name in options.__required_keys__ else None,
            annotation=annotation,
        )
        for name, annotation in typing_extensions.get_type_hints(options, include_extras=True).items()
    }


def _allowed(path: str) -> bool:
    return any(path == root or path.startswith(f"{root}.") for root in ALLOWED_ROOTS)


def _longest_module(path: str) -> tuple[types.ModuleType, list[str]]:
    """The module that the longest part of ``path`` names, and the names that remain, one at least."""
    first, *names = path.split(".")
    module = _import(first)
    while len(names) > 1 and hasattr(module, "__path__"):
        below = f"{module.__name__}.{names[0]}"
        if importlib.util.find_spec(below) is None:
            break
        module = _import(below)
        names.pop(0)
    return module, names


def _import(name: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ValueError(f"{name} cannot be imported: {error}") from error


def _member(parent: Any, name: str) -> Any:
    found = getattr(parent, name, None)
    if inspect.ismodule(found) and found.__name__ == f"{parent.__name__}.{name}":
        raise ValueError(
            f"{found.__name__} is a module: name something in it{did_you_mean(name, _public_names(found))}"
        )
    # Any other module reached as an attribute is somebody's import, such as the os in slr.files.os.
    if found is None or inspect.ismodule(found):
        raise ValueError(f"{parent.__name__} has no component {name!r}{did_you_mean(name, _public_names(parent))}")
    return found


def _public_names(parent: Any) -> list[str]:
    if not inspect.ismodule(parent):
        return [name for name in vars(parent) if not name.startswith("_")]
    own = [name for name, value in vars(parent).items() if inspect.isclass(value) and _allowed(value.__module__)]
    below = [found.name for found in pkgutil.iter_modules(getattr(parent, "__path__", []))]
    return [name for name in getattr(parent, "__all__", [*own, *below]) if not name.startswith("_")]


def _refuse_unfit(path: str, found: Any, module: types.ModuleType) -> None:
    if not callable(found):
        raise ValueError(f"{path} is a {type(found).__name__} and cannot be called")
    home = getattr(found, "__module__", None) or "outside Python"
    if not _allowed(home):
        raise ValueError(f"{path} comes from {home}: components live under {', '.join(ALLOWED_ROOTS)}")
    name = path.rpartition(".")[2]
    if inspect.isfunction(found) and name not in getattr(module, "__all__", ()):
        raise ValueError(f"{path} is a function that {module.__name__} does not export")
    if inspect.isclass(found) and inspect.isabstract(found):
        raise ValueError(f"{path} is abstract and cannot be built")
    exported = _export_above(name, found, module)
    if exported:
        raise ValueError(f"write {exported} instead of {path}: the exported name stays when files move")


def _export_above(name: str, found: Any, module: types.ModuleType) -> str | None:
    """The name under which a package above a plain module exports the target."""
    above = module.__name__ if not hasattr(module, "__path__") else ""
    while above := above.rpartition(".")[0]:
        package = sys.modules[above]
        if _allowed(above) and name in getattr(package, "__all__", ()) and getattr(package, name, None) is found:
            return f"{above}.{name}"
    return None


def _can_be_named(parameter: inspect.Parameter) -> bool:
    return parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)


def _annotation(call: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """The annotation of a parameter, or Any where it cannot be evaluated (a name imported for type checkers only)."""
    annotation = parameter.annotation
    if not isinstance(annotation, str):
        return annotation
    # An inherited constructor is annotated with the names of the module that wrote it.
    owners = call.__mro__ if inspect.isclass(call) else (call,)
    for owner in owners:
        names = vars(sys.modules.get(owner.__module__, types))
        try:
            return eval(annotation, dict(names))
        except (NameError, AttributeError):
            continue
    return Any


_PLAIN_CLASSES = (int, float, str, bytes, type(None), Path, enum.Enum, list, tuple, dict, set, frozenset)
_STRICT = pydantic.ConfigDict(strict=True)


def _needs_component(value: Any) -> Any:
    raise PydanticCustomError("component", "Input should be a component (a mapping with _target_)")


_COMPONENT = Annotated[Any, pydantic.PlainValidator(_needs_component)]


@functools.cache
def _adapter(annotation: Any) -> pydantic.TypeAdapter[Any] | None:
    if annotation in (inspect.Parameter.empty, Any):
        return None
    try:
        return pydantic.TypeAdapter(_checkable(annotation), config=_STRICT)
    except (pydantic.errors.PydanticSchemaGenerationError, pydantic.errors.PydanticUserError):
        return None  # an annotation beyond plain types, such as a type variable, checks nothing


def _checkable(annotation: Any) -> Any:
    """The annotation with every class that YAML cannot write replaced by "needs a component"."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Literal, Annotated):
        return annotation
    if origin in (typing.Union, types.UnionType):
        return typing.Union[tuple(map(_checkable, arguments))]  # noqa: UP007 - built at run time
    if annotation is Callable or origin is collections.abc.Callable:
        return _COMPONENT
    if origin is not None:
        return origin[tuple(part if part is Ellipsis else _checkable(part) for part in arguments)]
    plain = annotation is Any or not inspect.isclass(annotation) or annotation.__module__ == "collections.abc"
    return annotation if plain or issubclass(annotation, _PLAIN_CLASSES) else _COMPONENT
