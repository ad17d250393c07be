"""An n-gram model of glosses from transcripts, as an ARPA file.

Interpolated Witten-Bell smoothing (Witten and Bell 1991; Chen and Goodman 1998, section 2.5): after a context ``h``
that was seen ``c(h)`` times with ``T(h)`` different glosses behind it,

    P(g | h) = (c(h g) + T(h) P(g | h')) / (c(h) + T(h)),

``h'`` being ``h`` without its first gloss; below the unigrams lies the uniform distribution over all glosses, the end
of the sentence and ``<unk>``. Few sentences suffice, for which the discounts of Kneser and Ney cannot be estimated.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
_Gram = tuple[str, ...]


def arpa(sentences: Iterable[Sequence[str]], order: int = 3) -> str:
    """The text of an ARPA file with the n-grams of ``sentences`` up to ``order``.

    Raises:
        ValueError: when ``order`` is below 2, there is no sentence, or a gloss holds a blank or is a reserved word.
    """
    if order < 2:
        raise ValueError(
            f"an n-gram model of order {order} knows nothing of neighbours, and kenlm reads it from order 2"
        )
    counts = _counts(sentences, order)
    probabilities = _probabilities(counts)
    weights = _backing_off(counts)
    levels = [sorted(gram for gram in probabilities if len(gram) == length) for length in range(1, order + 1)]
    lines = ["\\data\\", *(f"ngram {length}={len(grams)}" for length, grams in enumerate(levels, start=1))]
    for length, grams in enumerate(levels, start=1):
        lines += ["", f"\\{length}-grams:"]
        lines += [_line(gram, probabilities[gram], weights.get(gram) if length < order else None) for gram in grams]
    return "\n".join([*lines, "", "\\end\\", ""])


def _counts(sentences: Iterable[Sequence[str]], order: int) -> Counter[_Gram]:
    """How often every n-gram occurs that predicts a gloss or an end."""
    counts: Counter[_Gram] = Counter()
    for sentence in sentences:
        for gloss in sentence:
            if gloss in (START, END, UNKNOWN) or len(gloss.split()) != 1:
                raise ValueError(f"the gloss {gloss!r} cannot stand in an ARPA file: no blank, none of <s> </s> <unk>")
        words = (START, *sentence, END)
        for last in range(1, len(words)):
            counts.update(words[first : last + 1] for first in range(max(0, last + 1 - order), last + 1))
    if not counts:
        raise ValueError("a language model needs at least one sentence")
    return counts


def _totals(counts: Counter[_Gram]) -> tuple[Counter[_Gram], Counter[_Gram]]:
    """By context: how often something follows, and how many different things do."""
    tokens: Counter[_Gram] = Counter()
    types: Counter[_Gram] = Counter()
    for gram, count in counts.items():
        tokens[gram[:-1]] += count
        types[gram[:-1]] += 1
    return tokens, types


def _probabilities(counts: Counter[_Gram]) -> dict[_Gram, float]:
    tokens, types = _totals(counts)
    uniform = 1 / (types[()] + 1)  # the end of a sentence is among the unigrams; <unk> is one more
    found: dict[_Gram, float] = {}
    for gram in sorted(counts, key=len):
        context = gram[:-1]
        lower = found[gram[1:]] if context else uniform
        found[gram] = (counts[gram] + types[context] * lower) / (tokens[context] + types[context])
    found[(UNKNOWN,)] = types[()] * uniform / (tokens[()] + types[()])
    found[(START,)] = 0.0  # never predicted
    return found


def _backing_off(counts: Counter[_Gram]) -> dict[_Gram, float]:
    tokens, types = _totals(counts)
    return {context: types[context] / (tokens[context] + types[context]) for context in tokens if context}


def _line(gram: _Gram, probability: float, weight: float | None) -> str:
    logarithm = f"{math.log10(probability):.6f}" if probability > 0 else "-99"
    return f"{logarithm}\t{' '.join(gram)}" + (f"\t{math.log10(weight):.6f}" if weight is not None else "")
