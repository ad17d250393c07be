"""Which sentences are signed: a small language of its own, or the sentence lists of a real corpus."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
        ValueError: when a table is missing or lacks a column.
    """
    lists = {}
    for split in SPLITS:
        path = folder / f"{split}.tsv"
        if not path.is_file():
            raise ValueError(f"{path} does not exist: a folder of sentence lists holds train.tsv, dev.tsv and test.tsv")
        with path.open(encoding="utf-8", newline="") as table:
            rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
            missing = {"id", "signer", "num_frames", "gloss"} - set(rows.fieldnames or ())
            if missing:
                raise ValueError(f"{path} lacks the column {', '.join(sorted(missing))}")
            lists[split] = [
                Sentence(row["id"], tuple(row["gloss"].split()), row["signer"], int(row["num_frames"])) for row in rows
            ]
    return lists


def read_durations(path: Path) -> dict[str, int]:
    """Median duration in frames of every gloss, from ``id|gloss|first frame|last frame`` lines (gzip)."""
    lengths: dict[str, list[int]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            _, gloss, first, last = line.rstrip("\n").split("|")
            lengths[gloss].append(int(last) - int(first) + 1)
    return {gloss: int(np.median(values)) for gloss, values in lengths.items()}
