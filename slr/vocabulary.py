"""Gloss <-> id. The blank of CTC is id 0, here and nowhere else."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

BLANK = 0


@dataclass(frozen=True)
class Vocabulary:
    """The glosses a network can write, in sorted order; gloss ``i`` of the tuple has id ``i + 1``.

    Raises:
        ValueError: when a gloss is empty, contains white space, or stands twice.
    """

    glosses: tuple[str, ...]

    def __post_init__(self) -> None:
        for gloss in self.glosses:
            if not gloss or gloss.split() != [gloss]:
                raise ValueError(f"{gloss!r} is not a gloss: glosses are non-empty and contain no white space")
        if len(set(self.glosses)) != len(self.glosses):
            repeated = sorted({gloss for gloss in self.glosses if self.glosses.count(gloss) > 1})
            raise ValueError(f"glosses stand twice in the vocabulary: {', '.join(repeated)}")

    @classmethod
    def from_sentences(cls, sentences: Iterable[Sequence[str]]) -> Vocabulary:
        """Every gloss that occurs in ``sentences``, sorted by code point."""
        return cls(tuple(sorted({gloss for sentence in sentences for gloss in sentence})))

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Read back what :meth:`to_json` wrote."""
        return cls(tuple(json.loads(text)))

    def to_json(self) -> str:
        """A JSON list of the glosses, blank left out."""
        return json.dumps(list(self.glosses), ensure_ascii=False)

    def __len__(self) -> int:
        """Number of classes of a network that writes this vocabulary: the glosses and the blank."""
        return len(self.glosses) + 1

    def __contains__(self, gloss: object) -> bool:
        return gloss in self._ids

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {gloss: index for index, gloss in enumerate(self.glosses, start=BLANK + 1)}

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change when any gloss or its id changes."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def encode(self, sentence: Sequence[str], *, clip: str = "") -> list[int]:
        """Gloss ids of a sentence.

        Raises:
            ValueError: when a gloss is not in the vocabulary; ``clip`` is named in the message.
        """
        unknown = [gloss for gloss in sentence if gloss not in self._ids]
        if unknown:
            raise ValueError(self._describe_unknown(unknown, clip))
        return [self._ids[gloss] for gloss in sentence]

    def decode(self, ids: Sequence[int]) -> tuple[str, ...]:
        """Glosses of ids between 1 and ``len(self) - 1``; the blank has no gloss and is refused."""
        for index in ids:
            if not BLANK < index < len(self):
                raise ValueError(f"id {index} is no gloss of this vocabulary: ids run from 1 to {len(self) - 1}")
        return tuple(self.glosses[index - 1] for index in ids)

    def _describe_unknown(self, unknown: Sequence[str], clip: str) -> str:
        where = f" in clip {clip!r}" if clip else ""
        close = difflib.get_close_matches(unknown[0], self.glosses, n=1)
        hint = f"; the nearest known gloss is {close[0]!r}" if close else ""
        return (
            f"gloss {unknown[0]!r}{where} is not among the {len(self.glosses)} glosses of the vocabulary{hint}; "
            "train on a split that contains it or set vocabulary: union"
        )
