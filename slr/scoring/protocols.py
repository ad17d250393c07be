"""Scoring protocols by name: what is done to references and to hypotheses before they are compared.

Published word error rates differ by what was cleaned on which side, so that every result carries the name of its
protocol. The honest ones score every gloss of the official references and give a perfect transcript 0; the others are
what figures were published with.
"""

from __future__ import annotations

import difflib
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slr.scoring import peers, phoenix

Normaliser = Callable[[Sequence[str]], tuple[str, ...]]
_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_REMARK = re.compile(r"(?<!\\);.*", re.DOTALL)
_EMPTY = "[EMPTY]"


def as_sclite_compares(gloss: str) -> str:
    """What has to be equal for sclite to take two glosses for the same.

    Letters of ASCII may be small or capital; those of other scripts may not, whatever encoding it is told of. A ``*``
    at the end and anything from a ``;`` on are remarks about a word, unless a backslash stands before the ``;``;
    backslashes themselves are no part of it.
    """
    word = _REMARK.sub("", gloss).replace("\\", "").translate(_SMALL)
    return word.removesuffix("*") or word


def as_it_stands(gloss: str) -> str:
    """The gloss itself."""
    return gloss


def _unchanged(glosses: Sequence[str]) -> tuple[str, ...]:
    return tuple(glosses)


@dataclass(frozen=True)
class Protocol:
    """A named way to prepare glosses for scoring.

    Attributes:
        description: what the protocol does, for the user.
        reference: turns the glosses of a reference into those to score.
        hypothesis: the same for a hypothesis.
        empty: the gloss that stands for a hypothesis without any, or ``None`` when it stays empty.
        markers: glosses that are no signs of the sentence; figures are also given without them.
        honest: whether all glosses of the official references are scored and a perfect transcript scores 0.
        compared_by: two glosses are the same when this is.
        deletions_first: how ties between alignments are decided; see :func:`slr.scoring.alignment.align`.
    """

    name: str
    description: str
    reference: Normaliser = _unchanged
    hypothesis: Normaliser = _unchanged
    empty: str | None = None
    markers: tuple[str, ...] = ()
    honest: bool = True
    compared_by: Callable[[str], str] = as_sclite_compares
    deletions_first: bool = False


_MARKERS = ("__ON__", "__OFF__")
_ALL = (
    # The official references are clean already and pass unchanged; those of a corpus file are training labels, and get
    # the same treatment as the hypotheses, so that a perfect transcript scores 0 against either.
    Protocol(
        "phoenix2014",
        "the official clean-up of RWTH-PHOENIX-Weather 2014",
        reference=phoenix.clean_2014,
        hypothesis=phoenix.clean_2014,
        empty=_EMPTY,
        markers=_MARKERS,
    ),
    # The script drops every repeated gloss of a hypothesis, but of a reference only those in plain capitals, of which
    # none is left: here the rule for references holds for both sides. Only on hypotheses that repeat a gloss such as
    # neg-HABEN do the two differ.
    Protocol(
        "phoenix2014t",
        "the official clean-up of RWTH-PHOENIX-Weather 2014-T, the same for both sides",
        reference=phoenix.clean_2014t_without_repeats,
        hypothesis=phoenix.clean_2014t_without_repeats,
        empty=_EMPTY,
    ),
    # TwoStreamNetwork and MSKA clean nothing; of the Phoenix rules that the VAC family runs, none finds a gloss.
    Protocol("csl-daily", "every gloss as it stands: CSL-Daily has no clean-up"),
    Protocol("raw", "every gloss as it stands, on both sides"),
    Protocol(
        "phoenix2014t-script",
        "the script that comes with 2014-T, to the letter: repeats like neg-HABEN go from the hypothesis only",
        reference=peers.clean_reference_2014t,
        hypothesis=peers.clean_hypothesis_2014t,
        empty=_EMPTY,
        honest=False,
    ),
    Protocol(
        "vac-python",
        "the Python scorer of VAC, CorrNet and their kin: the 2014 clean-up of the hypothesis, whose repeats go; "
        "the reference keeps its own",
        hypothesis=lambda glosses: peers.once_each(phoenix.clean_2014(glosses)),
        empty=_EMPTY,
        markers=_MARKERS,
        honest=False,
        compared_by=as_it_stands,
        deletions_first=True,
    ),
    Protocol(
        "twostream",
        "the scorer of TwoStreamNetwork and MSKA for 2014: rules for neighbouring glosses apply, and repeats go from "
        "both sides",
        reference=peers.clean_sentence_2014,
        hypothesis=peers.clean_sentence_2014,
        markers=_MARKERS,
        honest=False,
        compared_by=as_it_stands,
    ),
    Protocol(
        "twostream-t",
        "the same for 2014-T",
        reference=peers.clean_sentence_2014t,
        hypothesis=peers.clean_sentence_2014t,
        honest=False,
        compared_by=as_it_stands,
    ),
)
PROTOCOLS = {protocol.name: protocol for protocol in _ALL}


def protocol_by_name(name: str) -> Protocol:
    """The protocol called ``name``.

    Raises:
        ValueError: when there is none of that name; the nearest one is suggested.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    close = difflib.get_close_matches(name, PROTOCOLS, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"unknown scoring protocol {name!r}: choose one of {', '.join(PROTOCOLS)}{hint}")
