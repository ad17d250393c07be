"""Scoring protocols by name: what is done to references and to hypotheses before they are compared.

Published word error rates differ by what was cleaned on which side, so that every result carries the name of its
protocol.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Normaliser = Callable[[Sequence[str]], tuple[str, ...]]


@dataclass(frozen=True)
class Protocol:
    """A named way to prepare glosses for scoring.

    Attributes:
        description: what the protocol does, for the user.
        reference: turns the glosses of a reference into those to score.
        hypothesis: the same for a hypothesis.
        empty: the gloss that stands for a hypothesis without any, or ``None`` when it stays empty.
        markers: glosses that are no signs of the sentence; figures are also given without them.
    """

    name: str
    description: str
    reference: Normaliser
    hypothesis: Normaliser
    empty: str | None = None
    markers: tuple[str, ...] = ()


# What the organisers' clean-up does to a single gloss, in its order. It runs over CTM files, which hold one gloss a
# line, so that its rules for neighbouring glosses (joining spelled letters, WIE AUSSEHEN, dropping repetitions) never
# find any neighbour. They are left out here: sentence-level ports that do apply them measure something else under the
# same name.
_REWRITINGS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("loc-", ""),
        ("cl-", ""),
        ("qu-", ""),
        ("poss-", ""),
        ("lh-", ""),
        ("S0NNE", "SONNE"),
        ("HABEN2", "HABEN"),
        ("__EMOTION__", ""),
        ("__PU__", ""),
        ("__LEFTHAND__", ""),
        ("ZEIGEN$", "ZEIGEN-BILDSCHIRM"),
        ("([A-Z]{2})RAUM", r"\1"),
        ("-PLUSPLUS", ""),
    )
)
_DROPPED = ("__LEFTHAND__", "__EPENTHESIS__", "__EMOTION__")


def _unchanged(glosses: Sequence[str]) -> tuple[str, ...]:
    return tuple(glosses)


def _phoenix2014(glosses: Sequence[str]) -> tuple[str, ...]:
    cleaned = (_phoenix2014_gloss(gloss) for gloss in glosses)
    return tuple(gloss for gloss in cleaned if gloss and not any(mark in gloss for mark in _DROPPED))


def _phoenix2014_gloss(gloss: str) -> str:
    for pattern, replacement in _REWRITINGS:
        gloss = pattern.sub(replacement, gloss)
    return gloss


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="raw",
            description="every gloss as it stands, on both sides",
            reference=_unchanged,
            hypothesis=_unchanged,
        ),
        # The official references are clean already and pass unchanged; those of a corpus file are training labels, and
        # get the same treatment as the hypotheses, so that a perfect transcript scores 0 against either.
        Protocol(
            name="phoenix2014",
            description="the official clean-up of RWTH-PHOENIX-Weather 2014",
            reference=_phoenix2014,
            hypothesis=_phoenix2014,
            empty="[EMPTY]",
            markers=("__ON__", "__OFF__"),
        ),
    )
}


def protocol_by_name(name: str) -> Protocol:
    """The protocol called ``name``.

    Raises:
        ValueError: when there is none of that name; the nearest one is suggested.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    close = difflib.get_close_matches(name, PROTOCOLS, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"unknown scoring protocol {name!r}: choose one of {', '.join(sorted(PROTOCOLS))}{hint}")
