"""How fast the beam search is beside flashlight-text, and how often its first hypothesis is that of an unpruned search.

Posteriors are made up, of 1,296 classes and 60 steps: ``random`` ones are the softmax of noise, ``peaky`` ones lean at
every step, more or less clearly, towards the blank or a gloss, as trained networks do. The unpruned search tries every
class after every prefix and is the slow one of the tests. Times are those of whole calls on the same scores, the two
decoders taking turns, so that whatever else the machine does befalls both.

    python -m benchmarks.decoding
    python -m benchmarks.decoding --random 10000 --peaky 1000 --repeats 9
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor

from slr.ctc import BeamDecoder, Decoder, FlashlightDecoder
from slr.types import Padded
from tests.reference.ctc_prefix_beam import prefix_beam

CLASSES, STEPS, WIDTH, BATCH = 1296, 60, 10, 32
BATCHES = (8, 16, 32, 64)
WANTED = 3.0


def random_scores(clips: int, generator: Generator) -> Tensor:
    """Noise ``[clips, STEPS, CLASSES]`` with a standard deviation of 2."""
    return 2 * torch.randn(clips, STEPS, CLASSES, generator=generator)


def peaky_scores(clips: int, generator: Generator) -> Tensor:
    """The same with one class ahead by 4 to 12 at every step, the blank at seven of ten."""
    scores = random_scores(clips, generator)
    ahead = torch.randint(1, CLASSES, (clips, STEPS), generator=generator)
    ahead[torch.rand(clips, STEPS, generator=generator) < 0.7] = 0
    lead = 4 + 8 * torch.rand(clips, STEPS, 1, generator=generator)
    return scores.scatter_add_(2, ahead[..., None], lead)


KINDS: dict[str, Callable[[int, Generator], Tensor]] = {"random": random_scores, "peaky": peaky_scores}


class RandomBigrams:
    """A language model whose opinions are strong and arbitrary: the hardest case for trying few classes."""

    name = "random"
    start = (0,)

    def __init__(self, generator: Generator) -> None:
        scores = (2 * torch.randn(CLASSES, CLASSES, generator=generator)).log_softmax(-1)
        self._scores: list[list[float]] = scores.tolist()

    def extend(self, context: tuple[int, ...], gloss: int) -> tuple[int, ...]:
        """The last gloss."""
        return (gloss,)

    def log_probability(self, context: tuple[int, ...], gloss: int) -> float:
        """Of ``gloss`` after the last one."""
        return self._scores[context[0]][gloss]

    def log_end(self, context: tuple[int, ...]) -> float:
        """Of the end after the last gloss."""
        return self._scores[context[0]][0]


def batches(kind: str, clips: int) -> Iterator[Padded]:
    """The made-up clips, a batch at a time."""
    generator = torch.Generator().manual_seed(0)
    for first in range(0, clips, BATCH):
        number = min(BATCH, clips - first)
        yield Padded(KINDS[kind](number, generator), torch.full((number,), STEPS))


def agreement(kind: str, clips: int) -> int:
    """Clips whose first hypothesis is that of the unpruned search."""
    decoder, same = BeamDecoder(WIDTH), 0
    for logits in batches(kind, clips):
        slow = (prefix_beam(clip.log_softmax(-1).double().numpy(), WIDTH)[0][0] for clip in logits.values)
        same += sum(one.best.glosses == other for one, other in zip(decoder.decode(logits), slow, strict=True))
    return same


def language_model_agreement(clips: int) -> tuple[int, float]:
    """Clips with the same first hypothesis when 40 instead of 400 classes are tried, and the mean loss of score."""
    model = RandomBigrams(torch.Generator().manual_seed(1))
    few, many = (BeamDecoder(WIDTH, language_model=model, top_classes=number) for number in (40, 400))
    same, losses = 0, []
    for logits in batches("peaky", clips):
        for one, other in zip(few.decode(logits), many.decode(logits), strict=True):
            same += one.best.glosses == other.best.glosses
            losses.append(other.best.score - one.best.score)
    return same, statistics.mean(losses)


def seconds(decoder: Decoder, logits: Padded) -> float:
    """Time of one call."""
    begin = time.perf_counter()
    decoder.decode(logits)
    return time.perf_counter() - begin


def speed(kind: str, clips: int, repeats: int) -> tuple[float, float, list[float]]:
    """Milliseconds per clip of both decoders, medians, and how many times as fast ours is in every round."""
    generator = torch.Generator().manual_seed(0)
    logits = Padded(KINDS[kind](clips, generator), torch.full((clips,), STEPS))
    own, other = BeamDecoder(WIDTH), FlashlightDecoder(WIDTH, top_classes=50)
    seconds(own, logits), seconds(other, logits)
    rounds = [(seconds(own, logits), seconds(other, logits)) for _ in range(repeats)]
    ours, theirs = (1000 * statistics.median(times) / clips for times in zip(*rounds, strict=True))
    return ours, theirs, [slow / fast for fast, slow in rounds]


def memory() -> float:
    """Largest resident memory of the process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=640, help="clips of random posteriors (default: %(default)s)")
    parser.add_argument("--peaky", type=int, default=320, help="clips of peaky posteriors (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=7, help="rounds of each speed (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default: %(default)s)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)

    print(f"beam of {WIDTH}, {CLASSES} classes, {STEPS} steps, {given.threads} threads, torch {torch.__version__}")
    print("\nposteriors  batch  ours ms/clip  flashlight ms/clip  times as fast, median (least to most)")
    for kind in KINDS:
        for clips in BATCHES:
            ours, theirs, ratios = speed(kind, clips, given.repeats)
            middle = statistics.median(ratios)
            verdict = "" if middle >= WANTED else f"   below {WANTED:g}"
            print(
                f"{kind:10}  {clips:5}  {ours:12.2f}  {theirs:18.2f}  {middle:6.1f} "
                f"({min(ratios):.1f} to {max(ratios):.1f}){verdict}"
            )
    print("\nfirst hypothesis as that of an unpruned search of the same width")
    for kind, clips in (("random", given.random), ("peaky", given.peaky)):
        same = agreement(kind, clips)
        print(f"{kind:10}  {same} of {clips}, {same / clips:.2%}")
    clips = min(64, given.peaky)
    same, loss = language_model_agreement(clips)
    print("\nunder a language model of arbitrary, strong bigrams, peaky posteriors: 40 classes tried instead of 400")
    print(f"{same} of {clips} the same, mean loss of the score {loss:.3f}")
    before = memory()
    decoder = BeamDecoder(WIDTH)
    for logits in batches("random", 1280):
        decoder.decode(logits)
    print(f"\nmemory: {memory() - before:+.0f} MB while decoding 1280 clips more, {before:.0f} MB before")


if __name__ == "__main__":
    main()
