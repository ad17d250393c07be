"""Which sentences are signed: a small language of its own, or the sentence lists of a real corpus."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Sentence:
    """One sentence to sign; ``signer`` and ``num_frames`` are ``None`` where the corpus is free to choose them."""

    id: str
    glosses: tuple[str, ...]
    signer: str | None = None
    num_frames: int | None = None


class Grammar:
    """Sentences from word frequencies (Zipf) mixed with a sparse bigram.

    A gloss is drawn with probability ``bigram_share`` from the few successors of the gloss before it, otherwise from
    the Zipf distribution ``1 / (rank + offset) ** exponent``. No gloss follows itself.
    """

    def __init__(
        self,
        glosses: Sequence[str],
        generator: np.random.Generator,
        *,
        exponent: float = 0.9,
        offset: float = 3.0,
        bigram_share: float = 0.55,
        successors: int = 8,
    ) -> None:
        self._glosses = tuple(glosses)
        ranks = np.arange(len(glosses))
        self._unigram = (ranks + offset) ** -exponent
        self._unigram /= self._unigram.sum()
        self._bigram = np.zeros((len(glosses), len(glosses)))
        count = min(successors, len(glosses) - 1)
        for row in ranks:
            others = np.delete(ranks, row)
            weights = self._unigram[others] / self._unigram[others].sum()
            chosen = generator.choice(others, count, replace=False, p=weights)
            self._bigram[row, chosen] = generator.dirichlet(np.ones(count))
        self._bigram_share = bigram_share

    def sentence(self, length: int, generator: np.random.Generator) -> tuple[str, ...]:
        """A sentence of ``length`` glosses."""
        ids: list[int] = []
        for _ in range(length):
            chances = self._unigram.copy()
            if ids:
                chances = (1 - self._bigram_share) * chances + self._bigram_share * self._bigram[ids[-1]]
                chances[ids[-1]] = 0.0
            ids.append(int(generator.choice(len(chances), p=chances / chances.sum())))
        return tuple(self._glosses[index] for index in ids)


def read_sentence_lists(folder: Path) -> dict[str, list[Sentence]]:
    """Sentences, signers and frame counts of RWTH-PHOENIX-Weather 2014 from ``<split>.tsv`` tables.

    The tables have the columns id, signer, num_frames and gloss.

    Raises:
        ValueError: when a table is missing, is not UTF-8, lacks a column or has no row; or when a row is cut short, has
            no gloss or no whole number of frames, or an id that cannot name a folder or stands twice.
    """
    lists: dict[str, list[Sentence]] = {}
    for split in SPLITS:
        path = folder / f"{split}.tsv"
        if not path.is_file():
            raise ValueError(f"{path} does not exist: a folder of sentence lists holds train.tsv, dev.tsv and test.tsv")
        try:
            with path.open(encoding="utf-8", newline="") as table:
                lists[split] = _read_sentences(table, path)
        except UnicodeDecodeError as fault:
            raise ValueError(f"{path} is not UTF-8 text (byte {fault.start}): save it as UTF-8") from fault
    return lists


def _read_sentences(table: TextIO, path: Path) -> list[Sentence]:
    rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
    missing = {"id", "signer", "num_frames", "gloss"} - set(rows.fieldnames or ())
    if missing:
        raise ValueError(f"{path} lacks the column {', '.join(sorted(missing))}")
    sentences: dict[str, Sentence] = {}
    for row in rows:
        clip, signer, frames, glosses = (row[column] or "" for column in ("id", "signer", "num_frames", "gloss"))
        # Annotations are written with | between columns, and the id names a folder.
        if not (clip and glosses.split() and frames.isdecimal() and int(frames)) or set("|/\\") & set(clip):
            raise ValueError(
                f"line {rows.line_num} of {path} is not id, signer, num_frames, gloss with tabs between them, at least "
                f"one frame and one gloss: {clip[:30]!r}, {signer[:30]!r}, {frames[:30]!r}, {glosses[:30]!r}"
            )
        if "|" in signer + glosses:
            raise ValueError(f"line {rows.line_num} of {path} has a | in a signer or gloss: annotations cannot hold it")
        if clip in sentences:
            raise ValueError(f"line {rows.line_num} of {path} repeats clip {clip!r}: every clip stands once")
        sentences[clip] = Sentence(clip, tuple(glosses.split()), signer or None, int(frames))
    if not sentences:
        raise ValueError(f"{path} lists no clip: is the file complete?")
    return list(sentences.values())


def read_durations(path: Path) -> dict[str, int]:
    """Median duration in frames of every gloss, from ``id|gloss|first frame|last frame`` lines (gzip).

    A segment that ends before it begins (25 of the 57,677 of Phoenix-2014 do) is left out.

    Raises:
        ValueError: when the file is no gzip file of UTF-8 text, or a line is not as above.
    """
    lengths: dict[str, list[int]] = defaultdict(list)
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                columns = line.rstrip("\n").split("|")
                frames = [int(column) for column in columns[2:] if column.isdecimal()]
                if len(columns) != 4 or len(frames) != 2:
                    raise ValueError(f"line {number} of {path} is not id|gloss|first frame|last frame: {line[:60]!r}")
                if frames[0] <= frames[1]:
                    lengths[columns[1]].append(frames[1] - frames[0] + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError, UnicodeDecodeError) as fault:
        raise ValueError(f"{path} cannot be read as gzip text ({fault}): copy it again") from fault
    return {gloss: int(np.median(values)) for gloss, values in lengths.items()}
