"""How long it takes to score a set of clips: as a whole process, and the alignment alone beside others' ways to it.

Without files, sentences of the size of the Phoenix-2014 dev set are made up: 540 clips, 10 glosses each, a quarter of
them wrong. The peers are jiwer, compiled and with unit costs, and the table filled cell by cell in plain Python that
most repositories carry.

    python benchmarks/scoring.py [REF HYP] --repeats 9
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import jiwer

from slr.scoring import Transcript, read_transcripts, score, write_ctm, write_stm

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "wer.py"
LIMITS = {"wer.py as a whole process": 0.5, "scoring": 0.05}
Sentences = dict[str, tuple[str, ...]]


def made_up(folder: Path, clips: int = 540, glosses: int = 1200, wrong: float = 0.25) -> tuple[Path, Path]:
    """A reference and a hypothesis file."""
    draw = random.Random(0)
    references, hypotheses = {}, {}
    for index in range(clips):
        sentence = [f"G{int(glosses * draw.random() ** 2)}" for _ in range(draw.randint(3, 18))]
        found = [gloss if draw.random() > wrong else f"G{draw.randrange(glosses)}" for gloss in sentence]
        times = tuple((0.4 * place, 0.4 * place + 0.3) for place in range(len(found)))
        references[f"clip{index:04d}"] = Transcript(tuple(sentence), signer=f"signer{index % 9}")
        hypotheses[f"clip{index:04d}"] = Transcript(tuple(found), times=times)
    write_stm(folder / "ref.stm", references)
    write_ctm(folder / "hyp.ctm", hypotheses)
    return folder / "ref.stm", folder / "hyp.ctm"


def cell_by_cell(references: Sentences, hypotheses: Sentences) -> None:
    """Least costs of all pairs, without the way back."""
    for clip, reference in references.items():
        hypothesis = hypotheses.get(clip, ())
        above = [3 * column for column in range(len(hypothesis) + 1)]
        for row, gloss in enumerate(reference, start=1):
            here = [3 * row]
            for column, other in enumerate(hypothesis, start=1):
                pair = above[column - 1] + (0 if gloss == other else 4)
                here.append(min(pair, above[column] + 3, here[-1] + 3))
            above = here


def by_jiwer(references: Sentences, hypotheses: Sentences) -> None:
    """All pairs aligned with unit costs."""
    jiwer.process_words(
        [" ".join(glosses) for glosses in references.values()],
        [" ".join(hypotheses.get(clip, ())) for clip in references],
    )


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The median of several runs, after one that warms up."""
    took = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        work()
        took.append(time.perf_counter() - begin)
    return statistics.median(took[1:])


def glosses_of(path: Path) -> Sentences:
    """Glosses by clip."""
    return {clip: transcript.glosses for clip, transcript in read_transcripts(path).items()}


def measure(reference: Path, hypothesis: Path, repeats: int) -> dict[str, float]:
    """Seconds by what took them."""
    references, hypotheses = glosses_of(reference), glosses_of(hypothesis)
    command = [sys.executable, str(SCRIPT), str(reference), str(hypothesis)]
    works: dict[str, Callable[[], object]] = {
        "wer.py as a whole process": lambda: subprocess.run(command, check=True, capture_output=True),
        "reading both files": lambda: (read_transcripts(reference), read_transcripts(hypothesis)),
        "scoring": lambda: score(references, hypotheses).counts,
        "jiwer, unit costs": lambda: by_jiwer(references, hypotheses),
        "cell by cell, costs only": lambda: cell_by_cell(references, hypotheses),
    }
    return {name: seconds(work, repeats) for name, work in works.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="REF and HYP; made up without")
    parser.add_argument("--repeats", type=int, default=9)
    asked = parser.parse_args(arguments)
    if len(asked.files) not in (0, 2):
        parser.error("two files, REF and HYP, or none")
    with tempfile.TemporaryDirectory() as folder:
        reference, hypothesis = asked.files or made_up(Path(folder))
        report = score(glosses_of(reference), glosses_of(hypothesis))
        took = measure(reference, hypothesis, asked.repeats)
    print(
        f"{len(report.clips)} clips, {report.counts.reference} glosses, WER {report.wer:.1%}; median of {asked.repeats}"
    )
    for name, median in took.items():
        limit = LIMITS.get(name)
        verdict = f"{'within' if median <= limit else 'above'} the limit of {1000 * limit:.0f} ms" if limit else ""
        print(f"{name:<26} {1000 * median:8.1f} ms  {median / took['scoring']:6.2f} x scoring  {verdict}".rstrip())


if __name__ == "__main__":
    main()
