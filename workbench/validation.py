"""pydantic's findings as our faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pydantic
from pydantic_core import PydanticCustomError

from workbench.faults import Fault, Place, shown

CARRIED = "faults"  # error type of validators that bring faults of their own, see carry()

_WORDS = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "text",
    "a valid boolean": "true or false",
    "a valid array": "a list",
    "a valid tuple": "a list",
    "an object": "a mapping",
    "a valid dictionary": "a mapping",
    "None": "null",
}


def carry(faults: list[Fault]) -> None:
    """Raise ``faults``, if there are any, out of a pydantic validator; their places count from the value validated."""
    if faults:
        raise PydanticCustomError(CARRIED, "has faults", {CARRIED: faults})


def faults_of(
    error: pydantic.ValidationError, value: Any, place: Place = (), *, unknown_key: Callable[[Place], str] | None = None
) -> list[Fault]:
    """The faults behind a validation error of ``value``, which stands at ``place``.

    ``unknown_key`` gives the message for a key that the schema does not have, from its place below ``value``.
    """
    faults: list[Fault] = []
    expected: dict[Place, list[str]] = {}
    for detail in error.errors(include_url=False):
        where = _real_place(detail["loc"], value, keep_last=detail["type"] in ("missing", "extra_forbidden"))
        if detail["type"] == CARRIED:
            carried = detail["ctx"][CARRIED]
            faults += [replace(fault, place=(*place, *where, *fault.place)) for fault in carried]
        elif detail["type"] == "extra_forbidden":
            faults.append(Fault((*place, *where), unknown_key(where) if unknown_key else "unknown key"))
        elif detail["type"] == "missing":
            faults.append(Fault((*place, *where), "is missing"))
        elif detail["type"] == "value_error":
            faults.append(Fault((*place, *where), str(detail["ctx"]["error"])))
        else:
            expected.setdefault(where, []).append(detail["msg"])
    for where, messages in expected.items():
        # Of a union, the member that knows most about the value speaks alone.
        if not any(fault.place[: len(place) + len(where)] == (*place, *where) for fault in faults):
            faults.append(Fault((*place, *where), f"{_joined(messages)}, got {shown(_value_at(value, where))}"))
    return faults


def _real_place(loc: tuple[int | str, ...], value: Any, *, keep_last: bool) -> Place:
    # In unions pydantic puts the name of the tried type between the keys; what is no key of the value is such a name.
    place: list[int | str] = []
    for index, key in enumerate(loc):
        if _has(value, key):
            value = value[key]
            place.append(key)
        elif keep_last and index == len(loc) - 1:
            place.append(key)
    return tuple(place)


def _has(value: Any, key: int | str) -> bool:
    return (
        key in value
        if isinstance(value, dict)
        else isinstance(value, list) and isinstance(key, int) and key < len(value)
    )


def _value_at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


def _joined(messages: list[str]) -> str:
    """``Input should be a valid integer`` and its like as one clause: ``should be a whole number or null``."""
    wanted = [message.removeprefix("Input should be ") for message in messages]
    # Where plain text or a number would do, hardly anybody means to write a component.
    wanted = [clause for clause in wanted if not clause.startswith("a component")] or wanted[:1]
    wanted = [_WORDS.get(clause, clause) for clause in dict.fromkeys(wanted)]
    if all(message.startswith("Input should be ") for message in messages):
        return f"should be {' or '.join(wanted)}"
    return " or ".join(wanted)
