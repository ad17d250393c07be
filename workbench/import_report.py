"""What an import has to say: what was kept, what is missing on which side, and at which rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slr.data import Corpus
from workbench.output_store import OutputCard

_SHOWN = 5


def import_lines(card: OutputCard, unused: Sequence[str], corpus: Corpus) -> Iterator[str]:
    """The lines about a store that was made; ``unused`` are glosses of the teacher that the corpus lacks."""
    counts = ", ".join(f"{len(card.clips[split])} {split}" for split in card.splits)
    absent = [split for split in ("dev", "test") if split not in card.splits]
    yield f"{card.name}: outputs of {counts} clips of {card.corpus}"
    if absent:
        yield f"no outputs of {' and '.join(absent)}: the teacher's WER there will not be measured"
    if card.lacking:
        tokens = sum(gloss in card.lacking for clip in corpus.clips("train") for gloss in clip.glosses)
        yield (
            f"the teacher lacks {len(card.lacking)} of {len(card.glosses)} glosses of the corpus "
            f"({some(card.lacking)}), {tokens} times in the training transcripts: they score below all others"
        )
    if unused:
        yield (
            f"the corpus lacks {counted(len(unused), 'gloss', 'es')} of the teacher ({some(unused)}): their columns "
            "are dropped"
        )
    rates = ", ".join(f"{name} {frames:g}" for name, frames in card.frames_per_step.items())
    yield f"frames of {card.fps:g} per second per step: {rates}"


def some(names: Sequence[str]) -> str:
    """The first few of many names."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def counted(number: int, noun: str, plural: str = "s") -> str:
    """A number of things."""
    return f"{number} {noun}{plural if number != 1 else ''}"
