"""Score files: what a network says about the class of every clip of a split, to be fused, compared or learned from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from slr.scoring import AccuracyReport, accuracy
from slr.tensors import read_safetensors
from workbench.config import content_hash
from workbench.disk import write_bytes, write_text

FORMAT = "slr-scores-1"
KINDS = ("logits", "probabilities")


@dataclass(frozen=True)
class ClipScores:
    """Scores of clips, with what is needed to use them without the corpus.

    In a file, ``NAME.safetensors`` holds ``scores`` and ``labels`` and ``NAME.json`` the rest and a hash of the first.

    Attributes:
        ids: of the clips, in the order of the rows.
        scores: ``[N, classes]`` float32.
        labels: ``[N]`` int64, the true classes.
        classes: their names.
        kind: ``logits``, or ``probabilities`` that sum to one over the classes.
        about: where they come from: corpus, split, stream, network, hash of its weights, views.
    """

    ids: tuple[str, ...]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    kind: str = "logits"
    about: Mapping[str, Any] = field(default_factory=dict)

    def report(self) -> AccuracyReport:
        """How often they are right."""
        return accuracy(self.scores, self.labels)

    @property
    def digest(self) -> str:
        """A hash of what is said of which clip."""
        said = [self.ids, self.classes, self.kind]
        numbers = hashlib.sha256(np.ascontiguousarray(self.scores).tobytes()).hexdigest()
        return content_hash([said, numbers])

    def picked(self, rows: NDArray[np.int64]) -> ClipScores:
        """The scores of some clips."""
        ids = tuple(self.ids[row] for row in rows.tolist())
        return replace(self, ids=ids, scores=self.scores[rows], labels=self.labels[rows])

    def write(self, path: Path) -> None:
        """Write both files, ``path`` being their name without an ending.

        Raises:
            OSError: when there is no room, in one sentence.
        """
        content = save({"scores": self.scores, "labels": self.labels})
        card = {
            "format": FORMAT,
            "kind": self.kind,
            **self.about,
            "classes": list(self.classes),
            "clips": list(self.ids),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        weights, told = score_files(path)
        write_bytes(weights, content)
        write_text(told, json.dumps(card, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, path: Path | str) -> ClipScores:
        """Read what :meth:`write` wrote; either file may be named, or the name without an ending.

        Raises:
            ValueError: when a file is missing, damaged, changed, or no such file; one sentence.
        """
        content, told = score_files(Path(path))
        card = _read_card(told)
        tensors, _ = read_safetensors(content)
        if hashlib.sha256(content.read_bytes()).hexdigest() != card["sha256"]:
            raise ValueError(
                f"{content} is not the file that {told.name} describes: copy both from where they were made"
            )
        scores, labels = tensors["scores"].numpy(), tensors["labels"].numpy()
        about = {key: value for key, value in card.items() if key not in _OWN}
        made = cls(tuple(card["clips"]), scores, labels, tuple(card["classes"]), card["kind"], about)
        if scores.shape != (len(made.ids), len(made.classes)) or labels.shape != (len(made.ids),):
            raise ValueError(
                f"{content} has scores {list(scores.shape)} for {len(made.ids)} clips and {len(made.classes)} classes: "
                "they do not fit"
            )
        return made


def aligned_to(first: ClipScores, other: ClipScores, name: str, than: str = "the first") -> ClipScores:
    """``other`` with its clips in the order of ``first``.

    Raises:
        ValueError: when they are about other clips, classes or labels; ``name`` and ``than`` are what ``other`` and
            ``first`` are called.
    """
    if other.classes != first.classes:
        raise ValueError(
            f"{name} is about {len(other.classes)} classes, and {than} about {len(first.classes)}: they have to judge "
            "the same classes in the same order"
        )
    places = {clip: row for row, clip in enumerate(other.ids)}
    missing = [clip for clip in first.ids if clip not in places]
    unknown = sorted(set(other.ids) - set(first.ids))
    if missing or unknown:
        odd = f"lacks {missing[0]!r}" if missing else f"has {unknown[0]!r}, which is not there"
        raise ValueError(
            f"{name} is about other clips than {than}: it {odd} ({len(missing)} missing, {len(unknown)} more); take "
            "scores of the same part of the same split"
        )
    made = other.picked(np.asarray([places[clip] for clip in first.ids]))
    differ = np.flatnonzero(made.labels != first.labels)
    if len(differ):
        raise ValueError(f"{name} has another label for the clip {first.ids[differ[0]]!r} than {than}")
    return made


_OWN = ("format", "kind", "classes", "clips", "sha256")


def score_files(path: Path) -> tuple[Path, Path]:
    """The two files of scores, from their name with or without one of their endings."""
    name = path.name.removesuffix(".safetensors").removesuffix(".json")
    return path.with_name(f"{name}.safetensors"), path.with_name(f"{name}.json")


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist: scores are a .safetensors file with a .json beside it") from None
    except ValueError as fault:
        raise ValueError(f"{path} is damaged ({fault}): copy it again from where it was made") from fault
    if not isinstance(card, dict) or card.get("format") != FORMAT or not {*_OWN} <= set(card):
        raise ValueError(f"{path} holds no scores of ours: it needs the format {FORMAT!r}")
    return card
