"""What a network read, as short text: a sign or a few for every gloss, so that a record stays small.

``glosses`` lists the glosses that occur, and a code of fixed width stands for each of them by its place in that list.
The clips follow each other in the order of the references, with a blank between: ``.`` where nothing was recognised,
``~`` where a clip has no hypothesis at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Hypotheses = Mapping[str, tuple[str, ...]]
_SIGNS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
_NOTHING, _MISSING = ".", "~"


def coded(read: Mapping[str, Hypotheses], references: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """What a network read, by split, as plain data; ``references`` hold the clips of every split in their order."""
    glosses = occurring(read.values())
    return {
        "glosses": glosses,
        **{split: encode(found, [*references[split]], glosses) for split, found in read.items()},
    }


def occurring(hypotheses: Iterable[Hypotheses]) -> list[str]:
    """The glosses of all hypotheses, sorted."""
    return sorted({gloss for split in hypotheses for sentence in split.values() for gloss in sentence})


def encode(hypotheses: Hypotheses, clips: Sequence[str], glosses: Sequence[str]) -> str:
    """Hypotheses of ``clips`` as text; ``glosses`` hold all that occur."""
    width = _width(glosses)
    codes = {gloss: _code(number, width) for number, gloss in enumerate(glosses)}
    words = []
    for clip in clips:
        sentence = hypotheses.get(clip)
        words.append(_MISSING if sentence is None else "".join(codes[gloss] for gloss in sentence) or _NOTHING)
    return " ".join(words)


def decode(text: str, clips: Sequence[str], glosses: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The hypotheses again; a clip without one is left out.

    Raises:
        ValueError: when the text is not about as many clips, or holds what is no code of a gloss.
    """
    width, words = _width(glosses), text.split(" ") if text else []
    if len(words) != len(clips):
        raise ValueError(f"hypotheses of {len(words)} clips instead of {len(clips)}")
    known = {_code(number, width): gloss for number, gloss in enumerate(glosses)}
    found = {}
    for clip, word in zip(clips, words, strict=True):
        if word == _MISSING:
            continue
        codes = [] if word == _NOTHING else [word[start : start + width] for start in range(0, len(word), width)]
        strange = [code for code in codes if code not in known]
        if strange or not word:
            raise ValueError(f"the hypothesis of clip {clip!r} is {word!r}, which says no glosses")
        found[clip] = tuple(known[code] for code in codes)
    return found


def _width(glosses: Sequence[str]) -> int:
    width = 1
    while len(_SIGNS) ** width < len(glosses):
        width += 1
    return width


def _code(number: int, width: int) -> str:
    code = ""
    for _ in range(width):
        number, rest = divmod(number, len(_SIGNS))
        code = _SIGNS[rest] + code
    return code
