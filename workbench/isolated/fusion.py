"""``scripts/fuse.py``: streams of a system as one, from the score files that their runs left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from slr.scoring import PRESETS, STREAMS, compare_classifiers, fuse, search_weights, softmax
from workbench.disk import saying_when_full
from workbench.faults import did_you_mean
from workbench.isolated.accuracy_table import accuracy_table, comparison_sentence
from workbench.isolated.scores import ClipScores, aligned_to
from workbench.isolated.tables import leave_tables

FUSED = "fused"


@dataclass(frozen=True)
class FusionRequest:
    """What to fuse, and how.

    Attributes:
        scores: score files, a stream each.
        weights: as many numbers.
        preset: name of published weights, see :data:`slr.scoring.PRESETS`.
        search: score files of the same networks on clips that were held out, to find weights on.
        on: what is weighed, ``logits`` or ``probabilities``; left out, what the preset says, or else logits where the
            files hold these.
        out: score file to write, with or without its ending.

    Raises:
        ValueError: when weights come from two places, or do not fit the streams.
    """

    scores: tuple[Path, ...]
    weights: tuple[float, ...] | None = None
    preset: str | None = None
    search: tuple[Path, ...] | None = None
    on: str | None = None
    out: Path | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("weights", "preset", "search") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"weights come from one place, and --{given[0]} and --{given[1]} name two: leave one out")
        if len(self.scores) < 2:
            raise ValueError("fusion wants the score files of two streams at least")
        repeated = next((path for path in self.scores if self.scores.count(path) > 1), None)
        if repeated is not None:
            raise ValueError(f"{repeated} is given twice: a stream stands once, with a larger weight if need be")
        for name in ("weights", "search"):
            found = getattr(self, name)
            if found and len(found) != len(self.scores):
                raise ValueError(
                    f"--{name} wants one for each of {len(self.scores)} streams, and there are {len(found)}"
                )


def fuse_files(asked: FusionRequest, console: Console) -> Path | None:
    """Fuse score files, print how good streams and fusion are, and write the fused scores if they are wanted.

    Returns:
        the file of fused scores, None where none was asked for.

    Raises:
        ValueError: when the files are not about the same clips and classes, are damaged or not finite, or weights would
            be searched on test, on clips that were trained on, or on those that are reported; one sentence.
    """
    found = fused(asked)
    streams, made = found.streams, found.scores
    where = f"{made.about.get('split', 'clips')} of {made.about.get('corpus', 'one corpus')}"
    console.print(accuracy_table({**streams, FUSED: made}, f"{where}, {len(streams)} streams fused on {made.kind}"))
    console.print(Text(found.about_weights))
    best = max(streams, key=lambda name: streams[name].report().hits())
    comparison = compare_classifiers(streams[best].report(), made.report())
    console.print(Text(comparison_sentence("the fusion", f"its best stream {best}", comparison)))
    if asked.out is None:
        return None
    return _write(made, asked.out)


@dataclass(frozen=True)
class Fused:
    """Streams as one classifier: theirs and its ``scores``, the ``weights``, and a sentence about these."""

    scores: ClipScores
    streams: Mapping[str, ClipScores]
    weights: tuple[float, ...]
    about_weights: str


def fused(asked: FusionRequest) -> Fused:
    """Fuse score files.

    Raises:
        ValueError: as :func:`fuse_files` does.
    """
    streams = _read(asked.scores)
    on = _quantity(asked, streams)
    weights, told = _weights(asked, streams, on)
    first = next(iter(streams.values()))
    together = fuse([_weighed(stream, on) for stream in streams.values()], weights)
    about = {**_common(streams), "stream": FUSED, **told, "streams": _sources(streams, weights)}
    made = ClipScores(first.ids, together.astype(np.float32), first.labels, first.classes, on, about)
    return Fused(made, streams, weights, _told(told, weights, streams))


def _read(paths: Sequence[Path]) -> dict[str, ClipScores]:
    """Score files by their names, all about the same clips in the same order."""
    found = {str(path): ClipScores.read(path) for path in paths}
    first = next(iter(found.values()))
    aligned = {name: aligned_to(first, scores, name) for name, scores in found.items()}
    for name, scores in aligned.items():
        for key in ("corpus", "split"):
            mine, theirs = scores.about.get(key), first.about.get(key)
            if mine != theirs:
                raise ValueError(f"{name} is about the {key} {mine!r}, and the first about {theirs!r}")
        broken = np.flatnonzero(~np.isfinite(scores.scores).all(axis=1))
        if len(broken):
            raise ValueError(
                f"{name} says what is no finite number of the clip {scores.ids[broken[0]]!r} (and of "
                f"{len(broken) - 1} more): let its network look at the clips again"
            )
    return aligned


def _quantity(asked: FusionRequest, streams: Mapping[str, ClipScores]) -> str:
    preset = _preset(asked.preset)
    if preset is not None and asked.on not in (None, preset.quantity):
        raise ValueError(
            f"the preset {asked.preset} weighs {preset.quantity}, and --on says {asked.on}: leave --on out"
        )
    probable = [name for name, scores in streams.items() if scores.kind == "probabilities"]
    on = preset.quantity if preset is not None else asked.on or ("probabilities" if probable else "logits")
    if on == "logits" and probable:
        raise ValueError(f"{probable[0]} holds probabilities, from which logits cannot be had: fuse --on probabilities")
    return on


def _preset(name: str | None) -> Any:
    if name is None:
        return None
    if name not in PRESETS:
        raise ValueError(f"there are no published weights called {name!r}{did_you_mean(name, PRESETS)}")
    return PRESETS[name]


def _weights(
    asked: FusionRequest, streams: Mapping[str, ClipScores], on: str
) -> tuple[tuple[float, ...], dict[str, Any]]:
    """The weights, and where they come from."""
    preset = _preset(asked.preset)
    if preset is not None:
        _check_order(asked.preset or "", streams, len(preset.weights))
        return preset.weights, {"weights_from": f"preset {asked.preset}", "weights_source": preset.source}
    if asked.search:
        held_out = _held_out(asked.search, streams)
        found = search_weights([_weighed(one, on) for one in held_out.values()], next(iter(held_out.values())).labels)
        split = next(iter(held_out.values())).about["split"]
        searched = {"split": split, "hits": found.hits, "clips": found.clips, "tied": found.tied, "tried": found.tried}
        return found.weights, {"weights_from": "search", "searched": searched}
    if asked.weights is not None:
        return asked.weights, {"weights_from": "given"}
    return (1.0,) * len(streams), {"weights_from": "equal"}


def _check_order(preset: str, streams: Mapping[str, ClipScores], wanted: int) -> None:
    order = ", ".join(STREAMS[:wanted])
    if len(streams) != wanted:
        raise ValueError(f"the preset {preset} weighs {wanted} streams ({order}), not {len(streams)}")
    for place, (name, scores) in zip(STREAMS, streams.items(), strict=False):
        stream = scores.about.get("stream", place)
        if stream != place:
            raise ValueError(
                f"the preset {preset} weighs {order} in this order, and {name}, in the place of {place}, is of the "
                f"stream {stream}"
            )


def _held_out(paths: Sequence[Path], streams: Mapping[str, ClipScores]) -> dict[str, ClipScores]:
    """The scores to search weights on, checked for being fair to do so."""
    held_out = _read(paths)
    reported = next(iter(streams.values()))
    for (name, scores), (own, stream) in zip(held_out.items(), streams.items(), strict=True):
        split = scores.about.get("split")
        if split in (None, "test", "train"):
            reason = {
                None: "does not say which part its clips are of",
                "test": "is about test, and weights that are found there say nothing about other clips",
                "train": "is about clips that its network was trained on",
            }[split]
            raise ValueError(f"{name} {reason}: search on a part that was held out, such as dev")
        if scores.classes != reported.classes:
            raise ValueError(f"{name} is about other classes than {own}: weights are searched on the same ones")
        mine, theirs = (about.get("weights_sha256") for about in (scores.about, stream.about))
        if None not in (mine, theirs) and mine != theirs:
            raise ValueError(
                f"{name} is what another network says than that of {own}: name the held-out scores of the same "
                "networks, in the same order"
            )
    shared = set(next(iter(held_out.values())).ids) & set(reported.ids)
    if shared:
        raise ValueError(
            f"weights would be searched on clips that the result is about, such as {min(shared)!r} ({len(shared)} of "
            "them): a part of its own is needed"
        )
    return held_out


def _weighed(scores: ClipScores, on: str) -> NDArray[np.floating]:
    return softmax(scores.scores) if on == "probabilities" and scores.kind == "logits" else scores.scores


def _common(streams: Mapping[str, ClipScores]) -> dict[str, Any]:
    """What all streams say of themselves alike."""
    first, *others = (scores.about for scores in streams.values())
    return {
        key: value
        for key, value in first.items()
        if key in ("corpus", "split", "views") and all(about.get(key) == value for about in others)
    }


def _sources(streams: Mapping[str, ClipScores], weights: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {"weight": weight, **{key: scores.about.get(key) for key in ("stream", "network", "weights_sha256")}}
        for scores, weight in zip(streams.values(), weights, strict=True)
    ]


def _told(told: Mapping[str, Any], weights: Sequence[float], streams: Mapping[str, ClipScores]) -> str:
    names = [str(scores.about.get("stream", name)) for name, scores in streams.items()]
    weighed = ", ".join(f"{name} {weight:g}" for name, weight in zip(names, weights, strict=True))
    if told["weights_from"] == "search":
        found = told["searched"]
        return (
            f"weights {weighed}: found on {found['split']}, where {found['hits']} of {found['clips']} clips are hit; "
            f"{found['tied']} of {found['tried']} combinations do as well, and this lies in their middle"
        )
    source = f" ({told['weights_source']})" if "weights_source" in told else ""
    return f"weights {weighed}: {told['weights_from']}{source}"


def _write(scores: ClipScores, out: Path) -> Path:
    path = out.with_name(out.name.removesuffix(".json").removesuffix(".safetensors"))
    with saying_when_full(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        scores.write(path)
        title = f"{path.name}: {scores.about.get('corpus')}"
        leave_tables(scores, path.parent, path.name.removeprefix("scores."), title)
    return path.with_name(f"{path.name}.safetensors")
