"""The organisers' clean-up of RWTH-PHOENIX-Weather 2014 and 2014-T, gloss by gloss.

Both run over CTM files, which hold one gloss a line, so that a rule about neighbouring glosses never finds a neighbour:
that for the spelled letters ``A S``, for ``WIE AUSSEHEN``, and in 2014 that for repetitions. They are left out here;
:mod:`slr.scoring.peers` has the ports that do apply them to whole sentences and measure something else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

Rules = tuple[tuple[str, str], ...]


def rewrite(text: str, rules: Rules) -> str:
    """Replace one pattern after the other; what a word is, ASCII decides, as for sed and perl."""
    for pattern, replacement in rules:  # compiled when first used: that takes longer than to score
        text = re.sub(pattern, replacement, text, flags=re.ASCII)
    return text


_REWRITING_2014: Rules = (
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
    (r"ZEIGEN\Z", "ZEIGEN-BILDSCHIRM"),
    ("([A-Z]{2})RAUM", r"\1"),
    ("-PLUSPLUS", ""),
)
_DROPPED = re.compile("__LEFTHAND__|__EPENTHESIS__|__EMOTION__")
_REWRITING_2014T: Rules = (
    (r"\A__[^_ ]*__\Z", ""),
    (r"\Aloc-", ""),
    (r"-PLUSPLUS\Z", ""),
    (r"\Acl-", ""),
    (r"\b([A-Z]+)RAUM\Z", r"\1"),
)
_PLAIN = re.compile("[A-Z]+")


def clean_2014(glosses: Sequence[str]) -> tuple[str, ...]:
    """Glosses without the marks of place, classifier, question, possession and hand, and without what is no sign."""
    return tuple(filter(None, map(_clean_2014, glosses)))


def clean_2014t(glosses: Sequence[str]) -> tuple[str, ...]:
    """Glosses without the marks of place, classifier and plural, and without what is no sign, ``__ON__`` included."""
    return tuple(filter(None, map(_clean_2014t, glosses)))


def clean_2014t_without_repeats(glosses: Sequence[str]) -> tuple[str, ...]:
    """As :func:`clean_2014t`, and a gloss in plain capitals counts once where it is repeated."""
    cleaned = clean_2014t(glosses)
    return tuple(
        gloss
        for before, gloss in zip((None, *cleaned), cleaned, strict=False)
        if gloss != before or not _PLAIN.fullmatch(gloss)
    )


# A corpus has a thousand glosses and ten thousand words.
@lru_cache(maxsize=1 << 16)
def _clean_2014(gloss: str) -> str:
    cleaned = rewrite(gloss, _REWRITING_2014)
    return "" if _DROPPED.search(cleaned) else cleaned


@lru_cache(maxsize=1 << 16)
def _clean_2014t(gloss: str) -> str:
    return "" if _DROPPED.search(gloss) else rewrite(gloss, _REWRITING_2014T)
