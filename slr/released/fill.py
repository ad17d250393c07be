"""Put released tensors into a network of ours: all of them, into all of it, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from slr.released.layout import ReleasedLayout
from slr.released.source import Source

_SHOWN = 5
_COUNTER = "num_batches_tracked"


def fill(
    network: nn.Module,
    layout: ReleasedLayout,
    tensors: Mapping[str, Tensor],
    source: Path | str,
    *,
    new_classes: bool = False,
) -> tuple[str, ...]:
    """Fill every tensor of a network with released ones, and place every released one.

    Args:
        network: ours.
        layout: where what goes.
        tensors: what :func:`slr.released.read_released` gave.
        source: the file, for messages.
        new_classes: leave the classifier, ``layout.class_tensors``, as it is; without this, another number of classes
            is refused.

    Returns:
        sentences that have to be shown: what was left out and what was not filled.

    Raises:
        ValueError: when the file lacks a tensor, holds one that has no place, or one of another shape, naming them; the
            network is then as it was.
    """
    state = network.state_dict(keep_vars=False)
    plan = _plan(network, layout, state)
    kept = {name for name in layout.class_tensors if name in plan} if new_classes else set()
    _check_names(network, layout, plan, tensors, source)
    values = {
        name: _made(network, name, origin, tensors, state[name], layout, source)
        for name, origin in plan.items()
        if name not in kept
    }
    _check_ties(state, values, plan, source)
    with torch.no_grad():
        for name, value in values.items():
            state[name].copy_(value)
        batches = [int(tensor) for name, tensor in tensors.items() if _is_counter(name)]
        for name, counter in state.items():
            if _is_counter(name):
                counter.fill_(max(batches, default=0))
    return tuple(_notes(layout, plan, kept, tensors))


def class_count(layout: ReleasedLayout, tensors: Mapping[str, Tensor], source: Path | str) -> int:
    """Classes that a released file distinguishes.

    Raises:
        ValueError: when it lacks the classifier.
    """
    name = layout.class_tensors[0]
    origin = layout.source_of(name)
    assert origin is not None, f"the layout has no place for {name}"
    missing = [wanted for wanted in origin.names if wanted not in tensors]
    if missing:
        raise ValueError(f"{source} lacks {_some(missing)}: it is not {layout.about}")
    return len(origin.how([tensors[wanted] for wanted in origin.names]))


def _plan(network: nn.Module, layout: ReleasedLayout, state: Mapping[str, Tensor]) -> dict[str, Source]:
    plan = {name: layout.source_of(name) for name in state if not _is_counter(name)}
    without = [name for name, origin in plan.items() if origin is None]
    if without:
        raise ValueError(
            f"this {type(network).__name__} has {_some(without)}, which {layout.about} has not: build it with the "
            "arguments of that layout"
        )
    return {name: origin for name, origin in plan.items() if origin is not None}


def _check_names(
    network: nn.Module,
    layout: ReleasedLayout,
    plan: Mapping[str, Source],
    tensors: Mapping[str, Tensor],
    source: Path | str,
) -> None:
    wanted = dict.fromkeys(name for origin in plan.values() for name in origin.names)
    left_out = layout.leaves_out(tensors)
    counters = [name for name in tensors if _is_counter(name)]
    if counters:  # files older than torch 0.4.1 have none
        statistics = [name for name in (*wanted, *left_out) if name.endswith(".running_mean")]
        wanted |= dict.fromkeys(name.replace("running_mean", _COUNTER) for name in statistics)
    missing = [name for name in wanted if name not in tensors]
    extra = [name for name in tensors if name not in wanted and name not in left_out]
    clauses = [f"lacks {_some(missing)}"] if missing else []
    clauses += [f"holds {_some(extra)}, which has no place in it"] if extra else []
    if clauses:
        raise ValueError(
            f"{source} is not {layout.about}, as {type(network).__name__} reads it: it {' and '.join(clauses)}; "
            "nothing was loaded"
        )


def _made(
    network: nn.Module,
    name: str,
    origin: Source,
    tensors: Mapping[str, Tensor],
    target: Tensor,
    layout: ReleasedLayout,
    source: Path | str,
) -> Tensor:
    """The value of a tensor of ours; axes of size 1 may come and go, so that a 1 x 1 convolution can be a matrix."""
    parts = [tensors[wanted] for wanted in origin.names]
    found = " and ".join(f"{wanted!r} {list(part.shape)}" for wanted, part in zip(origin.names, parts, strict=True))
    try:
        value = origin.how(parts)
    except (RuntimeError, ValueError, IndexError) as error:
        raise ValueError(f"{source} has {found}, which do not make {name!r} of {layout.about}: {error}") from error
    assert value.numel() == sum(part.numel() for part in parts), f"{name!r} drops or repeats elements of {found}"
    if value.squeeze().shape != target.squeeze().shape:
        hint = "it was built with other arguments"
        if name in layout.class_tensors and value.shape[1:] == target.shape[1:]:
            hint = f"the file has {len(value)} classes and the network {len(target)}"
        raise ValueError(
            f"{source} has {found}, and {name!r} of this {type(network).__name__} wants {list(target.shape)}: {hint}"
        )
    return value.reshape(target.shape)


def _check_ties(
    state: Mapping[str, Tensor], values: Mapping[str, Tensor], plan: Mapping[str, Source], source: Path | str
) -> None:
    """A tensor that ours uses twice can hold one value only."""
    owner: dict[int, str] = {}
    for name, value in values.items():
        first = owner.setdefault(state[name].data_ptr(), name) if state[name].numel() else name
        if first != name and not torch.equal(values[first], value):
            raise ValueError(
                f"{source} holds different values in {_some(plan[first].names)} and {_some(plan[name].names)}, which "
                "are one and the same in this network"
            )


def _notes(
    layout: ReleasedLayout, plan: Mapping[str, Source], kept: set[str], tensors: Mapping[str, Tensor]
) -> Iterable[str]:
    left_out = sorted(layout.leaves_out(tensors))
    if left_out:
        yield f"left out, since it has no place here: {_some(left_out)}"
    if kept:
        released = sorted({name for ours in kept for name in plan[ours].names})
        yield f"the classifier is new and untrained: {_some(released)} of the file are not used"


def _is_counter(name: str) -> bool:
    return name.endswith(_COUNTER)


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
