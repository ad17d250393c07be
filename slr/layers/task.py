"""What a network is for: the glosses of a sentence, or the class of a clip."""

from __future__ import annotations

from typing import Literal, get_args

Task = Literal["glosses", "class"]


def check_task(task: str, whose: str) -> None:
    """Refuse, with a ValueError, a ``task`` that is neither; ``whose`` is the network, as in "of I3D"."""
    if task not in get_args(Task):
        raise ValueError(f"unknown task {task!r} of {whose}: there are {', '.join(get_args(Task))}")
