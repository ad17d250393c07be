"""Scorers that others published figures with, to see what such a figure means.

Each is built anew from what its rules do, and differs from the organisers' pipeline as its protocol says.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from slr.scoring.phoenix import Rules, clean_2014t, rewrite

# Spelled letters become one gloss, S H -> S+H; a letter that one rule has joined is out of reach of the same rule, so
# that the third one comes three times.
_SPELLING = (
    ("^([A-Z]) ([A-Z][+ ])", r"\1+\2"),
    ("[ +]([A-Z]) ([A-Z]) ", r" \1+\2 "),
    *3 * (("([ +][A-Z]) ([A-Z][ +])", r"\1+\2"),),
    ("([ +]SCH) ([A-Z][ +])", r"\1+\2"),
    ("([ +]NN) ([A-Z][ +])", r"\1+\2"),
    ("([ +][A-Z]) (NN[ +])", r"\1+\2"),
    ("([ +][A-Z]) ([A-Z])$", r"\1+\2"),
)
# Of glosses in plain capitals, one of two neighbours that are the same; four times, for up to sixteen of them.
_REPETITION = 4 * ((r"(?<![\w-])(\b[A-Z]+(?![\w-])) \1(?![\w-])", r"\1"),)
_BLANKS = ((" +", " "),)
_SENTENCE_2014: Rules = (
    *((prefix, "") for prefix in ("loc-", "cl-", "qu-", "poss-", "lh-")),
    ("S0NNE", "SONNE"),
    ("HABEN2", "HABEN"),
    *((mark, "") for mark in ("__EMOTION__", "__PU__", "__LEFTHAND__")),
    ("WIE AUSSEHEN", "WIE-AUSSEHEN"),
    ("ZEIGEN( |$)", r"ZEIGEN-BILDSCHIRM\1"),
    *_SPELLING,
    ("([A-Z][A-Z])RAUM", r"\1"),
    ("-PLUSPLUS", ""),
    *_BLANKS,
    *_REPETITION,
    *_BLANKS,
)
_SENTENCE_2014T: Rules = (
    *((mark, "") for mark in ("__LEFTHAND__", "__EPENTHESIS__", "__EMOTION__", r"\b__[^_ ]*__\b")),
    (r"\bloc-([^ ]*)\b", r"\1"),
    (r"\bcl-([^ ]*)\b", r"\1"),
    (r"\b([^ ]*)-PLUSPLUS\b", r"\1"),
    (r"\b([A-Z]+)RAUM\b", r"\1"),
    ("WIE AUSSEHEN", "WIE-AUSSEHEN"),
    *_SPELLING,
    *_BLANKS,
    *_REPETITION,
    *_BLANKS,
)


def once_each(glosses: Sequence[str]) -> tuple[str, ...]:
    """Glosses without any repetition of the one before."""
    return tuple(gloss for gloss, _ in groupby(glosses))


def clean_sentence_2014(glosses: Sequence[str]) -> tuple[str, ...]:
    """The 2014 clean-up over a whole sentence, so that its rules for neighbours apply; then no gloss is repeated."""
    return _clean_sentence(glosses, _SENTENCE_2014)


def clean_sentence_2014t(glosses: Sequence[str]) -> tuple[str, ...]:
    """The same for 2014-T."""
    return _clean_sentence(glosses, _SENTENCE_2014T)


def clean_reference_2014t(glosses: Sequence[str]) -> tuple[str, ...]:
    """What the organisers' script for 2014-T does to a reference: a sentence, and only plain capitals once each."""
    # In an STM file, which the script rewrites, a blank stands before the first gloss, too.
    return tuple(rewrite(f" {' '.join(glosses)}", _SENTENCE_2014T).split())


def clean_hypothesis_2014t(glosses: Sequence[str]) -> tuple[str, ...]:
    """What the organisers' script for 2014-T does to a hypothesis: gloss by gloss, and each gloss once."""
    return once_each(clean_2014t(glosses))


def _clean_sentence(glosses: Sequence[str], rules: Rules) -> tuple[str, ...]:
    cleaned = rewrite(" ".join(glosses), rules)
    # Split at every single blank: one that a removed gloss left at either end parts nothing.
    return tuple(gloss for gloss in once_each(cleaned.split(" ")) if gloss)
