"""Make corpora ahead of a run."""

from __future__ import annotations

from pathlib import Path

from slr.synthesis import write_corpus
from slr.synthesis.folder import CorpusSpec
from workbench.disk import saying_when_full
from workbench.making import Making
from workbench.progress import Progress


def prepare(spec: CorpusSpec, out: Path | str, level: str, workers: int | None, progress: Progress) -> Path:
    """Make a corpus in its own folder below ``out`` unless it is there, with keypoints at ``level``.

    Raises:
        ValueError: when the folder holds something else, or a source is missing.
        OSError: when there is no room; what is complete stays.
    """
    folder = Path(out) / spec.folder
    with Making(progress) as making, saying_when_full(folder):
        write_corpus(folder, spec, level, workers=workers, progress=making)
    progress.line(f"{spec.name}, keypoints {level}")
    return folder
