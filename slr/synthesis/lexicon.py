"""The simulated lexicon: signs that differ clearly, and minimal pairs that differ in one parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slr.synthesis.phonology import HANDS, HANDSHAPES, MOUTHS, MOVEMENTS, ORIENTATIONS, PLACES, Sign

_CONSONANTS = "BDFGHKLMNPRSTVZ"
_VOWELS = "AEIOU"

PAIR_PARAMETERS = ("handshape", "movement", "mouth")


@dataclass(frozen=True)
class Lexicon:
    """Signs by gloss, and which glosses form a minimal pair in which parameter."""

    signs: dict[str, Sign]
    minimal_pairs: tuple[tuple[str, str, str], ...]  # (gloss, gloss, parameter)

    @property
    def glosses(self) -> tuple[str, ...]:
        """All glosses in the order they were made: frequent ones first."""
        return tuple(self.signs)


def make_lexicon(
    glosses: int | Sequence[str], minimal_pairs: dict[str, int], generator: np.random.Generator
) -> Lexicon:
    """Draw a lexicon.

    Args:
        glosses: how many glosses to invent, or their names.
        minimal_pairs: how many pairs to make in ``handshape``, ``movement`` and ``mouth``; the second gloss of a pair
            is a copy of the first with that one parameter changed. The other, base signs differ pairwise in at least
            two manual parameters; where a lexicon of many hundred signs is crowded, in at least one.
        generator: source of all chance.

    Raises:
        ValueError: when there are more minimal pairs than glosses to pair, an unknown parameter is asked for, or the
            sign space has no room for so many signs.
    """
    unknown = set(minimal_pairs) - set(PAIR_PARAMETERS)
    if unknown:
        raise ValueError(f"minimal pairs in {', '.join(sorted(unknown))}: possible are {', '.join(PAIR_PARAMETERS)}")
    names = invent_glosses(glosses, generator) if isinstance(glosses, int) else list(glosses)
    num_pairs = sum(minimal_pairs.values())
    num_base = len(names) - num_pairs
    if num_base < num_pairs:
        raise ValueError(f"{num_pairs} minimal pairs need {2 * num_pairs} glosses, the lexicon has {len(names)}")
    signs = _distinct_signs(names[:num_base], generator)
    taken: set[tuple[str, ...]] = {(*sign.manual, sign.mouth) for sign in signs}
    partners = [signs[index] for index in generator.permutation(len(signs))[:num_pairs]]
    parameters = [parameter for parameter, count in minimal_pairs.items() for _ in range(count)]
    pairs = []
    for name, partner, parameter in zip(names[num_base:], partners, parameters, strict=True):
        sign = _minimal_partner(name, partner, parameter, taken, generator)
        taken.add((*sign.manual, sign.mouth))
        signs.append(sign)
        pairs.append((partner.gloss, name, parameter))
    # Frequency follows the order of the lexicon, so the members of a pair must not all be rare.
    order = generator.permutation(len(signs))
    return Lexicon({signs[index].gloss: signs[index] for index in order}, tuple(pairs))


def invent_glosses(count: int, generator: np.random.Generator) -> list[str]:
    """Pronounceable made-up glosses, all different: four letters for the first 2000, then six."""
    names: dict[str, None] = {}
    while len(names) < count:
        syllables = 2 if len(names) < 2000 else 3
        letters = [
            letter
            for _ in range(syllables)
            for letter in (generator.choice(list(_CONSONANTS)), generator.choice(list(_VOWELS)))
        ]
        names["".join(letters)] = None
    return list(names)


def _draw_sign(gloss: str, generator: np.random.Generator) -> Sign:
    def pick(names: Sequence[str] | dict) -> str:
        return str(generator.choice(list(names)))

    return Sign(
        gloss,
        handshape=pick(HANDSHAPES),
        place=pick(PLACES),
        movement=pick(MOVEMENTS),
        orientation=pick(ORIENTATIONS),
        mouth=pick(MOUTHS),
        hands=str(generator.choice(HANDS, p=(0.6, 0.28, 0.12))),
        tempo=float(generator.uniform(0.85, 1.2)),
    )


def _distinct_signs(names: Sequence[str], generator: np.random.Generator) -> list[Sign]:
    """Signs that differ pairwise in at least two manual parameters; large lexicons relax this to one when crowded."""
    signs: list[Sign] = []
    taken: set[tuple[str, ...]] = set()
    near: set[tuple[int | str, ...]] = set()
    for name in names:
        for attempt in range(400):
            sign = _draw_sign(name, generator)
            free = sign.manual not in taken if attempt >= 200 else near.isdisjoint(_with_gaps(sign))
            if free and _possible(sign):
                break
        else:
            raise ValueError(f"no room in the sign space for {len(names)} distinct signs: ask for fewer glosses")
        signs.append(sign)
        taken.add(sign.manual)
        near |= _with_gaps(sign)
    return signs


def _with_gaps(sign: Sign) -> set[tuple[int | str, ...]]:
    """The manual parameters with each left out in turn: two signs share one when they differ in at most one."""
    manual = sign.manual
    return {(index, *manual[:index], *manual[index + 1 :]) for index in range(len(manual))}


def _possible(sign: Sign) -> bool:
    """A closing fist cannot close, and a fist cannot be told from a twisted fist by its fingers."""
    if sign.movement == "close":
        return sum(HANDSHAPES[sign.handshape].flexion[1:]) <= 2.0
    return not (sign.place in ("mouth", "cheek", "forehead") and sign.hands == "base")


def _minimal_partner(
    name: str, partner: Sign, parameter: str, taken: set[tuple[str, ...]], generator: np.random.Generator
) -> Sign:
    inventories: dict[str, list[str]] = {
        "handshape": list(HANDSHAPES),
        "movement": list(MOVEMENTS),
        "mouth": list(MOUTHS),
    }
    for value in generator.permutation([key for key in inventories[parameter] if key != getattr(partner, parameter)]):
        changed: dict[str, Any] = {"gloss": name, parameter: str(value)}
        sign = replace(partner, **changed)
        if _possible(sign) and (*sign.manual, sign.mouth) not in taken:
            return sign
    raise ValueError(f"no free {parameter} is left for a minimal pair of {partner.gloss}: ask for fewer pairs")
