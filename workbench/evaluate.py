"""Let a finished run read a split again, with another decoder or under another protocol."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from slr.scoring import render_report
from workbench.assemble import make_decoder
from workbench.checkpoint import load_network
from workbench.disk import saying_when_full
from workbench.fitting import gloss_difference
from workbench.preflight import MAIN_ROLES, find_checkpoint
from workbench.progress import Progress
from workbench.settings import load_either
from workbench.workplace import Workplace


@dataclass(frozen=True)
class Question:
    """What to evaluate.

    ``role`` is a network of the run, ``None`` its main one; any other ``None`` leaves the run's own setting.
    """

    split: str = "dev"
    role: str | None = None
    decoder: str | None = None
    beam_width: int | None = None
    protocol: str | None = None


def evaluate(run: Path, question: Question, words: list[str], progress: Progress, console: Console) -> Path:
    """Recognise a split with a network of a run folder, print its scores, and write its hypotheses there.

    Returns:
        the file of hypotheses.

    Raises:
        ValueError: when the folder is no run, or lacks the network asked for.
    """
    path = run / "config.yaml"
    if not path.is_file():
        raise ValueError(f"{run} is no run folder: it has no config.yaml")
    settings = load_either(path, words)
    changed = {"decoder": question.decoder, "beam_width": question.beam_width}
    evaluation = settings.evaluate.model_copy(
        update={key: value for key, value in changed.items() if value is not None}
    )
    place = Workplace.open(settings.run, settings.data, evaluation, progress)
    network, card = load_network(find_checkpoint(str(run), (question.role,) if question.role else MAIN_ROLES))
    if card.glosses != place.vocabulary.glosses:
        raise ValueError(
            f"{run} was trained on {len(card.glosses)} glosses and the corpus now has "
            f"{len(place.vocabulary.glosses)}, {gloss_difference(card.glosses, place.vocabulary.glosses)}: evaluate on "
            "the corpus it was trained on"
        )
    decoder = make_decoder(evaluation, place.vocabulary)
    recognition = place.recognise(network.to(place.precision.device), question.split, decoder)
    report = recognition.score(question.protocol or settings.data.protocol)
    signers = {clip.id: clip.signer for clip in place.corpus.clips(question.split)}
    title = f"{type(network).__name__} on {question.split} of {place.corpus.name}, decoder {decoder.name}"
    console.print(render_report(report, title, signers))
    path = run / f"hypotheses.{question.role or 'main'}.{question.split}.{decoder.name}.ctm"
    with saying_when_full(path):
        recognition.write(path)
    return path
