"""How the tensors of a published network lie in one of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from slr.released.source import Source, taken

_HOLE = re.compile(r"\{(\w+)([+-]\d+)?\}")


@dataclass(frozen=True)
class ReleasedLayout:
    """Tensor names of a published system, beside the network of ours that reads them; see :mod:`slr.released`.

    Attributes:
        about: the system and its paper, for people.
        places: for the tensors of ours, by name or pattern, the released ones that they are made of.
        arguments: of our constructor, which make the network that was published; ``num_classes`` and, for a skeleton
            network, ``layout`` are added.
        class_tensors: names of ours whose first axis is the classes.
        left_out: names or patterns of released tensors that have no place in ours on purpose.
        skeleton: name of the skeleton layout that the system was published with; None for an RGB network.
        preprocessing: what is known of how its input was prepared, as far as ``SignDataset.describe`` says it.
    """

    about: str
    places: Mapping[str, str | Source]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    class_tensors: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    skeleton: str | None = None
    preprocessing: Mapping[str, Any] = field(default_factory=dict)

    def source_of(self, name: str) -> Source | None:
        """Where the tensor that we call ``name`` comes from; None when no place fits it."""
        for pattern, source in self._patterns:
            found = pattern.fullmatch(name)
            if found is not None:
                words = found.groupdict()
                return source.renamed(lambda text: _filled(text, words))  # noqa: B023 - called at once
        return None

    def leaves_out(self, names: Iterable[str]) -> set[str]:
        """Those of released ``names`` that have no place on purpose."""
        patterns = [_compiled(text) for text in self.left_out]
        return {name for name in names if any(pattern.fullmatch(name) for pattern in patterns)}

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], Source]]:
        return [
            (_compiled(text), taken(source) if isinstance(source, str) else source)
            for text, source in self.places.items()
        ]


def _compiled(text: str) -> re.Pattern[str]:
    """A name with holes as a pattern: ``{rest}`` is anything, every other hole one part between dots."""
    parts, last, seen = [], 0, set[str]()
    for hole in _HOLE.finditer(text):
        word = hole[1]
        assert hole[2] is None, f"{text!r}: numbers are shifted on the released side"
        inside = ".+" if word == "rest" else "[^.]+"
        parts += [re.escape(text[last : hole.start()]), f"(?P={word})" if word in seen else f"(?P<{word}>{inside})"]
        seen.add(word)
        last = hole.end()
    return re.compile("".join([*parts, re.escape(text[last:])]))


def _filled(text: str, words: Mapping[str, str]) -> str:
    """A released name with its holes filled; ``{n+1}`` is the number that fills ``n``, plus 1."""
    return _HOLE.sub(lambda hole: str(int(words[hole[1]]) + int(hole[2])) if hole[2] else words[hole[1]], text)
