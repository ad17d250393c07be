"""Component nodes: ``_target_`` names a class of ours or of torch, the other keys are its arguments.

A node is checked without calling anything, so that every fault of a configuration is known before any data is touched.
Targets are reached through what their package exports, which lets files move, and only under a few roots, which keeps a
configuration from calling whatever Python can import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.faults import ConfigError, Fault, Place, did_you_mean, shown
from workbench.targets import ALLOWED_ROOTS, Target, resolve

TARGET = "_target_"

__all__ = ["ALLOWED_ROOTS", "TARGET", "build", "check", "check_arguments", "is_component"]


def is_component(value: Any) -> bool:
    """Whether a value of a configuration is a component node."""
    return isinstance(value, Mapping) and TARGET in value


def check(node: Any, place: Place = (), *, added: Iterable[str] = (), kind: type | None = None) -> list[Fault]:
    """Every fault of a component node and of the nodes within it; an empty list when it can be built.

    Args:
        node: what stands in the configuration.
        place: where it stands, for the faults.
        added: arguments that :func:`build` will be given; a target need not take them, and a node may not state them.
        kind: what the target must be, if it is a class.
    """
    if not is_component(node):
        return [Fault(place, f"should be a component (a mapping with {TARGET}), got {shown(node)}")]
    try:
        target = resolve(node[TARGET])
    except ValueError as error:
        return [Fault((*place, TARGET), str(error))]
    if kind is not None and isinstance(target.call, type) and not issubclass(target.call, kind):
        return [Fault((*place, TARGET), f"{target.path} cannot stand here: it is no {kind.__module__}.{kind.__name__}")]
    names = tuple(added)
    arguments = {key: value for key, value in node.items() if key != TARGET}
    faults = [fault for key, value in arguments.items() for fault in _faults(target, key, value, (*place, key), names)]
    return [*faults, *_missing(target, {*arguments, *names}, place)]


def check_arguments(path: str, arguments: Any, place: Place = (), *, added: Iterable[str] = ()) -> list[Fault]:
    """Like :func:`check`, for a mapping of arguments whose target is not the user's to choose."""
    if not isinstance(arguments, Mapping):
        return [Fault(place, f"should be a mapping of options, got {shown(arguments)}")]
    if TARGET in arguments:
        return [Fault((*place, TARGET), f"this place always holds a {path}: leave {TARGET} out")]
    return check({TARGET: path, **arguments}, place, added=added)


def build(node: Mapping[str, Any], **added: Any) -> Any:
    """Call the target of a node with its own arguments and those of ``added`` that its signature takes.

    Nodes within the node are built first, from the same ``added``. Lists become tuples where the annotation says so.

    Raises:
        ConfigError: when the node has a fault; a configuration that was checked has none.
    """
    faults = check(node, added=added)
    if faults:
        raise ConfigError(faults, f"The component {shown(node[TARGET] if is_component(node) else node)}")
    return _build(node, added)


def _build(node: Mapping[str, Any], added: Mapping[str, Any]) -> Any:
    target = resolve(node[TARGET])
    arguments = {key: _built_argument(target, key, node[key], added) for key in node if key != TARGET}
    return target.call(**arguments, **{key: value for key, value in added.items() if key in target.parameters})


def _built_argument(target: Target, key: str, value: Any, added: Mapping[str, Any]) -> Any:
    if not _holds_component(value):
        return target.converted(key, value)
    built = _built_within(value, added)
    return tuple(built) if isinstance(built, list) and target.wants_tuple(key) else built


def _built_within(value: Any, added: Mapping[str, Any]) -> Any:
    if is_component(value):
        return _build(value, added)
    if isinstance(value, Mapping):
        return {key: _built_within(child, added) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_built_within(child, added) for child in value]
    return value


def _faults(target: Target, key: str, value: Any, place: Place, added: tuple[str, ...]) -> list[Fault]:
    if key in added:
        return [Fault(place, "the workbench sets this argument itself: leave it out")]
    if key not in target.parameters and not target.open_ended:
        hint = did_you_mean(key, set(target.parameters) - set(added))
        return [Fault(place, f"{target.path} has no such argument{hint}")]
    if _holds_component(value):
        return _faults_within(value, place, added)
    return target.argument_faults(key, value, place)


def _missing(target: Target, given: set[str], place: Place) -> list[Fault]:
    needed = [name for name, parameter in target.parameters.items() if parameter.default is parameter.empty]
    return [Fault((*place, name), f"{target.path} needs this argument") for name in needed if name not in given]


def _holds_component(value: Any) -> bool:
    if isinstance(value, Mapping):
        return TARGET in value or any(map(_holds_component, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_component, value))


def _faults_within(value: Any, place: Place, added: tuple[str, ...]) -> list[Fault]:
    if is_component(value):
        return check(value, place, added=added)
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        children = value.items()
    elif isinstance(value, list | tuple):
        children = enumerate(value)
    return [fault for key, child in children for fault in _faults_within(child, (*place, key), added)]
