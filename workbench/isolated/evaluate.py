"""Look again at the clips of a part with a network of a finished run, and compare it with others."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from slr.scoring import compare_classifiers, confused_pairs
from workbench.disk import saying_when_full
from workbench.evaluate import Question
from workbench.isolated.accuracy_table import accuracy_table, comparison_sentence
from workbench.isolated.reader import IsolatedReader
from workbench.isolated.scores import ClipScores, aligned_to
from workbench.isolated.tables import leave_tables
from workbench.progress import Progress

# What may be asked of a run on isolated clips; the rest is about sentences.
_ASKED = ("split", "role", "against")
_PAIRS = 5


def evaluate_isolated(run: Path, question: Question, words: list[str], progress: Progress, console: Console) -> Path:
    """Show a part to a network, print how often it is right, and leave its scores and tables in the run folder.

    ``words`` override keys of the run, such as ``evaluate.views=10``, and of the run it is compared with.

    Returns:
        the file of scores.

    Raises:
        ValueError: when something is asked that is about sentences, or the folder lacks the network asked for.
    """
    _only_of_classes(run, question)
    reader = IsolatedReader.open(run, question.role, words, progress)
    scores = reader.scores(question.split)
    found = {reader.title: scores}
    if question.against:
        other = _opponent(question.against, reader, words, progress)
        found[other.title] = aligned_to(scores, other.scores(question.split), other.title)
    console.print(accuracy_table(found, f"{question.split} of {scores.about['corpus']}, {_views(scores)}"))
    for pair in confused_pairs(scores.report())[:_PAIRS]:
        label, best = scores.classes[pair.label], scores.classes[pair.best]
        console.print(Text(f"{pair.times} of {pair.clips} clips of {label} were taken for {best}"))
    for title, other_scores in list(found.items())[1:]:
        comparison = compare_classifiers(other_scores.report(), scores.report())
        console.print(Text(comparison_sentence(reader.title, title, comparison)))
    name = _name(reader, question.split, scores)
    path = run / f"evaluated.{name}"
    with saying_when_full(run):
        scores.write(path)
        leave_tables(scores, run, f"evaluated.{name}", f"{reader.title}: {scores.about['corpus']}, {question.split}")
    return path.with_name(f"{path.name}.safetensors")


def _only_of_classes(run: Path, question: Question) -> None:
    given = [name for name, value in vars(question).items() if name not in _ASKED and value not in (None, False)]
    if given:
        option = given[0].replace("_", "-")
        raise ValueError(f"{run} is a run on isolated clips, and --{option} is about sentences: leave it out")


def _opponent(name: str, reader: IsolatedReader, words: list[str], progress: Progress) -> IsolatedReader:
    run, colon, role = name.rpartition(":")
    whole = not colon or Path(name).is_dir()
    other = IsolatedReader.open(Path(name if whole else run), None if whole else role, words, progress)
    if other.title == reader.title:
        raise ValueError(f"{name} would be compared with itself: name another run, or another network of this one")
    return other


def _name(reader: IsolatedReader, split: str, scores: ClipScores) -> str:
    views = scores.about["views"]
    shown = [f"views-{views}"] if views > 1 else []
    kind = [scores.kind] if scores.kind != "logits" else []
    return ".".join([reader.role or "main", split, *shown, *kind])


def _views(scores: ClipScores) -> str:
    views = scores.about["views"]
    return "one view of a clip" if views == 1 else f"{views} views of a clip, mean of their {scores.kind}"
