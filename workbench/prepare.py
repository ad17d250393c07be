"""Make ahead of a run what it needs: corpora, and a language model of glosses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slr.ctc.ngrams import arpa
from slr.files import write_text
from slr.scoring import read_transcripts
from slr.synthesis import write_corpus
from slr.synthesis.folder import CorpusSpec
from workbench.assemble import open_corpus
from workbench.disk import saying_when_full
from workbench.making import Making
from workbench.progress import Progress
from workbench.schema import Data
from workbench.settings import data_section

_CONFIGS = Path(__file__).resolve().parent.parent / "configs"


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


def language_model(source: str, words: Sequence[str], order: int, out: Path, progress: Progress) -> Path:
    """Write the n-grams of some sentences as an ARPA file.

    ``source`` is a file of transcripts in any form that the scorer reads, or a corpus by its name or a configuration,
    whose training clips are counted; ``words`` override its keys.

    Raises:
        ValueError: when the file cannot be read as transcripts, there is no such corpus, or ``order`` is below 2.
        OSError: when there is no such file, or no room.
    """
    path = Path(source)
    if path.suffix in (".yaml", ".yml") or not (path.suffix or path.is_file()):
        sentences = _training_sentences(data_section(source, words, _CONFIGS), progress)
    elif words:
        raise ValueError(f"{words[0]} is a setting of a corpus, and {source} is a file of transcripts: leave it out")
    else:
        sentences = [transcript.glosses for transcript in read_transcripts(path).values()]
    with saying_when_full(out):
        write_text(out, arpa(sentences, order))
    return out


def _training_sentences(data: Data, progress: Progress) -> list[tuple[str, ...]]:
    with Making(progress) as making, saying_when_full(data.root):
        corpus = open_corpus(data, making)
    sentences = [clip.glosses for clip in corpus.clips("train")]
    progress.line(f"{len(sentences)} training sentences of {corpus.name}")
    return sentences
