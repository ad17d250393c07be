"""How often networks agree, step by step, with where a teacher sees each gloss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn, tensor

from kd.align import align_nearest
from slr.ctc import LabelledClip, LabelSet, PseudoLabelAccuracy, forced_alignment, pseudo_label_accuracy
from slr.ctc.label_set import FORMAT
from slr.types import Network, Padded
from workbench.aligner import Aligner, rows_of
from workbench.checkpoint import NetworkCard
from workbench.code_identity import module_hash
from workbench.disk import saying_when_full
from workbench.measure import MadeNetwork
from workbench.network_identity import answer_key, identity_of
from workbench.recognise import Seen, steps_per_output
from workbench.schema import Evaluate
from workbench.workplace import Workplace

LABELS = "labels.dev.json"  # name of the pseudo-labels in a run folder


class Agreement:
    """Adds up how often a network agrees with pseudo-labels, clips without labels left out.

    A network with another number of output steps is given, at each of its own, the label of the nearest step.
    """

    def __init__(self, labels: LabelSet) -> None:
        self._labels = labels
        self.accuracy = PseudoLabelAccuracy()

    def see(self, seen: Seen) -> None:
        """One more batch."""
        rows = [row for row, clip in enumerate(seen.batch.ids) if clip in self._labels.clips]
        if rows:
            logits = rows_of(seen.logits.to("cpu"), rows)
            targets = Padded.from_list([self._targets(seen.batch.ids[row]) for row in rows])
            self.accuracy += pseudo_label_accuracy(logits, align_nearest(targets, logits))

    def _targets(self, clip: str) -> Tensor:
        return tensor(self._labels.clips[clip].labels)


def agreement(place: Workplace, labels: LabelSet, networks: Mapping[str, nn.Module]) -> dict[str, Any]:
    """The pseudo-label accuracies of ``networks`` on the split of ``labels``.

    Returns:
        for every network the shares ``all``, ``non_blank`` and ``dense``; under ``labels`` a hash of the labels, and
        under ``clips_left_out`` how many clips have none, because the teacher has fewer steps than they have glosses.
    """
    found: dict[str, Any] = {"labels": labels.sha256[:16], "clips_left_out": len(labels.left_out)}
    for name, network in networks.items():
        watcher = Agreement(labels)
        place.show(network, labels.split, watcher)
        found[name] = watcher.accuracy.shares()
    return found


def agreement_as_dict(found: Mapping[str, Any] | None) -> dict[str, Any]:
    """The entry ``pseudo_label_accuracy``; nothing but nulls where the teacher could make no labels."""
    if found is None:
        nothing = dict.fromkeys(("all", "non_blank", "dense"))
        return {**nothing, "baseline": nothing, "labels": None, "clips_left_out": None}
    return {
        **found["student"],
        "baseline": found["baseline"],
        "labels": found["labels"],
        "clips_left_out": found["clips_left_out"],
    }


def labels_of(place: Workplace, made: MadeNetwork, split: str = "dev") -> LabelSet:
    """The pseudo-labels of a split by a network: those kept beside the runs, or made and kept now.

    Raises:
        ValueError: when the file that was kept is damaged.
        NoRoomError: when there is no room to keep them.
    """
    stream = cast(Network, made.network).input_stream
    identity = identity_of(made.network, made.card, place.dataset(split, {stream}))
    path = kept_labels(place, identity, split, [stream])
    if not path.is_file():
        with saying_when_full(path):
            make_labels(place, made.network, made.card, split).write(path)
    return read_labels(path, place, split)


def kept_labels(place: Workplace, identity: str, split: str, streams: Iterable[str]) -> Path:
    """The file in which pseudo-labels lie beside the runs, see :func:`workbench.network_identity.answer_key`."""
    key = answer_key(place, identity, split, streams, FORMAT, module_hash(forced_alignment.__module__))
    return place.labels / f"{split}-{key[:12]}.json"


def configured_labels(evaluate: Evaluate, place: Workplace) -> LabelSet | None:
    """The pseudo-labels that a configuration names, if it names some.

    Raises:
        ValueError: as :func:`read_labels` does.
    """
    return read_labels(evaluate.labels, place, "dev") if evaluate.labels is not None else None


def make_labels(place: Workplace, network: nn.Module, card: NetworkCard, split: str) -> LabelSet:
    """Align every transcript of a split with what ``network`` sees."""
    aligner = Aligner()
    place.show(network, split, aligner)
    return label_set(place, network, card, split, aligner)


def label_set(place: Workplace, network: nn.Module, card: NetworkCard, split: str, aligner: Aligner) -> LabelSet:
    """The labels that ``aligner`` took from ``network`` on a split."""
    dataset = place.dataset(split, {cast(Network, network).input_stream})
    clips = {
        clip.id: LabelledClip(aligner.labels[clip.id], place.corpus.num_frames(clip))
        for clip in dataset.clips
        if clip.id in aligner.labels
    }
    return LabelSet(
        corpus=place.corpus.name,
        split=split,
        vocabulary=place.vocabulary.fingerprint,
        teacher=type(network).__name__,
        identity=identity_of(network, card, dataset),
        stride=steps_per_output(cast(Network, network), dataset.rgb_stride),
        clips=clips,
        left_out={clip.id: aligner.left_out[clip.id] for clip in dataset.clips if clip.id in aligner.left_out},
    )


def read_labels(path: Path | str, place: Workplace, split: str) -> LabelSet:
    """Pseudo-labels from a file.

    Raises:
        ValueError: when it is no such file, was changed, or is about another split, vocabulary or other clips.
    """
    labels = LabelSet.read(path)
    clips = ((clip.id, clip.glosses, place.corpus.num_frames(clip)) for clip in place.corpus.clips(split))
    labels.check(path, split, place.vocabulary, clips)
    return labels
