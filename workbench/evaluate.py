"""Let a finished run read a split again: with another decoder, under another protocol, against another run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from slr.ctc import Decoder, LabelSet
from slr.scoring import WerReport, compare_systems, render_comparisons, render_report
from workbench.aligner import Aligner
from workbench.assemble import make_decoder
from workbench.disk import saying_when_full
from workbench.progress import Progress
from workbench.pseudo_labels import Agreement, label_set, read_labels
from workbench.reader import Reader
from workbench.recognise import Recognition
from workbench.segments import Segments

# Options of the command that stand for keys of the section ``evaluate`` of the run.
DECODING = (
    "decoder", "beam_width", "n_best", "backend", "language_model", "language_weight", "insertion_bonus",
)  # fmt: skip
_SHOWN = 10


@dataclass(frozen=True)
class Question:
    """What to evaluate.

    Attributes:
        split: which clips.
        role: a network of the run, ``None`` its main one.
        protocol: how to score, ``None`` as the run did.
        against: ``RUN`` or ``RUN:NETWORK`` to compare with, on the same clips, decoded and scored in the same way.
        segments: a folder for where the glosses lie, aligned and recognised.
        eaf: whether that folder gets a file for ELAN per clip.
        media: path of a clip's video for ELAN, with ``{clip}`` for its id.
        labels: a file of pseudo-labels to compare the network with.
        write_labels: a file for the pseudo-labels that the network itself gives.

    Raises:
        ValueError: when an option lacks another that it belongs to.
    """

    split: str = "dev"
    role: str | None = None
    protocol: str | None = None
    against: str | None = None
    segments: Path | None = None
    eaf: bool = False
    media: str | None = None
    labels: Path | None = None
    write_labels: Path | None = None

    def __post_init__(self) -> None:
        if self.eaf and self.segments is None:
            raise ValueError("files for ELAN belong to a folder of segments: name it with --segments")
        if self.media is not None and not self.eaf:
            raise ValueError("videos are named in files for ELAN: ask for these with --eaf")
        if self.media is not None and "{clip}" not in self.media:
            raise ValueError(f"{self.media} is one video for all clips: write {{clip}} where the id of a clip belongs")


def evaluate(run: Path, question: Question, words: list[str], progress: Progress, console: Console) -> Path:
    """Recognise a split with a network of a run folder, print its scores, and write its hypotheses there.

    ``words`` override keys of the run, and of the run it is compared with.

    Returns:
        the file of hypotheses.

    Raises:
        ValueError: when the folder is no run, lacks the network asked for, or what else is named does not fit it.
    """
    reader = Reader.open(run, question.role, words, progress)
    other = _opponent(question.against, reader, question.split, words, progress) if question.against else None
    labels = read_labels(question.labels, reader.place, question.split) if question.labels else None
    decoder = make_decoder(reader.settings.evaluate, reader.place.vocabulary)
    aligner = Aligner() if question.segments or question.write_labels else None
    agreement = Agreement(labels) if labels else None
    watchers = [watcher for watcher in (aligner, agreement) if watcher is not None]
    recognition = reader.recognise(question.split, decoder, watchers)
    protocol = question.protocol or reader.settings.data.protocol
    report = recognition.score(protocol)
    _print_report(reader, report, question.split, decoder, console)
    if agreement and labels:
        _print_agreement(agreement, labels, console)
    others = {}
    if other is not None:
        others[f"hypothesis of {other.title}"] = found = _recognise_likewise(other, reader, decoder, question.split)
        comparisons = compare_systems({other.title: found.score(protocol), reader.title: report})
        console.print(render_comparisons(comparisons))
    path = run / f"hypotheses.{reader.role or 'main'}.{question.split}.{decoder.name}.ctm"
    with saying_when_full(path):
        recognition.write(path)
    if aligner is not None:
        _print_left_out(reader, aligner, question.split, console)
        _write_labels(reader, question, aligner, console)
        _write_segments(reader, question, decoder, recognition, aligner, others, console)
    return path


def _opponent(name: str, reader: Reader, split: str, words: list[str], progress: Progress) -> Reader:
    """The network to compare with, which has to read the same clips."""
    other = Reader.named(name, words, progress)
    if other.title == reader.title:
        raise ValueError(f"{name} would be compared with itself: name another run, or another network of this one")
    if other.references(split) != reader.references(split):
        raise ValueError(
            f"{name} reads {split} of {other.place.corpus.name} and {reader.run} that of {reader.place.corpus.name}: "
            "networks are compared on the same clips with the same transcripts"
        )
    return other


def _recognise_likewise(other: Reader, reader: Reader, decoder: Decoder, split: str) -> Recognition:
    """What the other network reads, decoded as ``reader`` is."""
    if other.card.glosses != reader.card.glosses:  # then the decoder needs to know the other's
        decoder = make_decoder(reader.settings.evaluate, other.place.vocabulary)
    return other.recognise(split, decoder)


def _print_report(reader: Reader, report: WerReport, split: str, decoder: Decoder, console: Console) -> None:
    signers = {clip.id: clip.signer for clip in reader.place.corpus.clips(split)}
    where = f"{type(reader.network).__name__} on {split} of {reader.place.corpus.name}"
    console.print(render_report(report, f"{where}, decoder {decoder.name}", signers))


def _print_agreement(agreement: Agreement, labels: LabelSet, console: Console) -> None:
    shares = {
        name.replace("_", "-"): f"{share:.1%}" if share is not None else "no step"
        for name, share in agreement.accuracy.shares().items()
    }
    told = f"pseudo-labels of {labels.teacher}, {labels.sha256[:16]}, {len(labels.clips)} clips"
    console.print(Text("pseudo-label accuracy: " + ", ".join(f"{name} {share}" for name, share in shares.items())))
    console.print(Text(f"({told}, {len(labels.left_out)} left out)\n"))


def _print_left_out(reader: Reader, aligner: Aligner, split: str, console: Console) -> None:
    """Name what the alignment does not hold."""
    short = [f"{clip} ({reason})" for clip, reason in sorted(aligner.left_out.items())]
    if short:
        console.print(Text(f"not aligned, the transcript does not fit the clip: {_some(short)}", "yellow"))
    known = reader.place.vocabulary
    unknown = [
        f"{gloss} in {clip}"
        for clip, glosses in reader.references(split).items()
        for gloss in glosses
        if gloss not in known
    ]
    if unknown:
        console.print(Text(f"aligned without glosses that the network cannot write: {_some(unknown)}", "yellow"))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _write_labels(reader: Reader, question: Question, aligner: Aligner, console: Console) -> None:
    if question.write_labels is None:
        return
    labels = label_set(reader.place, reader.network, reader.card, question.split, aligner)
    with saying_when_full(question.write_labels):
        labels.write(question.write_labels)
    console.print(Text(f"pseudo-labels of {len(labels.clips)} clips, {labels.sha256[:16]}: {question.write_labels}"))


def _write_segments(
    reader: Reader,
    question: Question,
    decoder: Decoder,
    recognition: Recognition,
    aligner: Aligner,
    others: dict[str, Recognition],
    console: Console,
) -> None:
    if question.segments is None:
        return
    about = {
        "run": reader.title,
        "network": type(reader.network).__name__,
        "weights_sha256": reader.card.weights_sha256,
        "corpus": reader.place.corpus.name,
        "split": question.split,
        "decoder": decoder.name,
        "fps": reader.place.corpus.fps,
    }
    segments = Segments(about, question.split, recognition, aligner, others)
    written = segments.write(question.segments, reader.place, eaf=question.eaf, media=question.media)
    console.print(Text(f"segments: {len(written)} files in {question.segments}"))
