"""Make ahead of a run what it needs: corpora, and a language model of glosses."""

from __future__ import annotations

from pathlib import Path

from slr.ctc.ngrams import arpa
from slr.files import write_text
from slr.scoring import read_transcripts
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


def language_model(transcripts: Path, order: int, out: Path) -> Path:
    """Write the n-grams of a file of transcripts, in any form that the scorer reads, as an ARPA file.

    Raises:
        ValueError: when the file cannot be read as transcripts, or ``order`` is below 2.
        OSError: when there is no such file, or no room.
    """
    sentences = [transcript.glosses for transcript in read_transcripts(transcripts).values()]
    with saying_when_full(out):
        write_text(out, arpa(sentences, order))
    return out
