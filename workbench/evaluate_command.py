"""``scripts/evaluate.py RUN``, whatever kind of clips the run was on."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from workbench.evaluate import Question, evaluate
from workbench.isolated.evaluate import evaluate_isolated
from workbench.progress import Progress
from workbench.settings import about_isolated_clips


def evaluate_run(run: Path, question: Question, words: list[str], progress: Progress, console: Console) -> Path:
    """Evaluate a network of a run folder on a part, and return the file that was written.

    Raises:
        ValueError: as :func:`workbench.evaluate.evaluate` and :func:`workbench.isolated.evaluate.evaluate_isolated` do,
            or when clips of train are asked for and they are sentences.
    """
    config = run / "config.yaml"
    if config.is_file() and about_isolated_clips(config, words):
        return evaluate_isolated(run, question, words, progress, console)
    if question.split == "train" and config.is_file():
        raise ValueError(f"{run} is a run on sentences, which are evaluated on dev or test, not on train")
    return evaluate(run, question, words, progress, console)
