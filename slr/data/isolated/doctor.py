"""What is in a corpus of isolated clips, and what is wrong with it, before anything is trained on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from slr.data.corpus import SPLITS
from slr.data.doctor import Finding
from slr.data.isolated.corpus import IsolatedClip, IsolatedCorpus

_FEW = 5  # training clips of a class below which it is hardly learned
Progress = Callable[[str, int, int], None]


def inspect_isolated(corpus: IsolatedCorpus, *, progress: Progress | None = None) -> list[Finding]:
    """Read every clip of every part, and count classes and signers.

    Args:
        corpus: what to look at.
        progress: called with the part, clips done and clips in all.
    """
    parts = {split: corpus.clips(split) for split in SPLITS}
    findings: list[Finding] = []
    for split, clips in parts.items():
        if not clips:
            if split != "train":
                findings.append(_nothing(split))
            continue
        findings.append(_contents(corpus, split, clips))
        findings += _looked_at(corpus, split, clips, progress)
    findings += _classes(corpus, parts["train"])
    for split in ("dev", "test"):
        findings += _strangers(parts["train"], parts[split], split)
    return findings


def _nothing(split: str) -> Finding:
    if split == "dev":
        what = "nothing is held out: no epoch will be chosen, and the last one is kept"
        return Finding("info", "contents", split, what, "set corpus.held_out to choose one by a part of train")
    return Finding("warning", "contents", split, "no clip is there to report on")


def _contents(corpus: IsolatedCorpus, split: str, clips: Sequence[IsolatedClip]) -> Finding:
    lengths = [corpus.num_frames(clip) for clip in clips]
    signers = {clip.signer for clip in clips if clip.signer}
    who = f", {len(signers)} signers" if signers else ", signers not known"
    message = (
        f"{len(clips)} clips of {len({clip.label for clip in clips})} classes{who}, {min(lengths)} to {max(lengths)} "
        f"frames ({sum(lengths) / len(lengths):.0f} on average)"
    )
    return Finding("info", "contents", split, message, values={"clips": len(clips), "frames": sum(lengths)})


def _looked_at(
    corpus: IsolatedCorpus, split: str, clips: Sequence[IsolatedClip], progress: Progress | None
) -> Iterator[Finding]:
    empty, single = [], []
    for done, clip in enumerate(clips, start=1):
        pose = corpus.pose(clip)
        if not bool(pose.any()):
            empty.append(clip.id)
        if len(pose) == 1:
            single.append(clip.id)
        if progress is not None:
            progress(split, done, len(clips))
    if empty:
        what = f"{_clips(empty, 'shows', 'show')} nothing, such as {empty[0]!r}"
        yield Finding("warning", "empty", split, what, "they can only be guessed at", tuple(empty))
    if single:
        what = f"{_clips(single, 'has', 'have')} one frame, such as {single[0]!r}"
        yield Finding("info", "single", split, what, "they have no motion", tuple(single))


def _clips(names: Sequence[str], one: str, many: str) -> str:
    return f"1 clip {one}" if len(names) == 1 else f"{len(names)} clips {many}"


def _classes(corpus: IsolatedCorpus, clips: Sequence[IsolatedClip]) -> Iterator[Finding]:
    counts = Counter(clip.label for clip in clips)
    missing = [name for label, name in enumerate(corpus.classes) if label not in counts]
    few = [name for label, name in enumerate(corpus.classes) if 0 < counts[label] < _FEW]
    if missing:
        what = f"{len(missing)} of {len(corpus.classes)} classes have no clip, such as {missing[0]!r}"
        yield Finding("warning", "classes", "train", what, "they cannot be learned", tuple(missing))
    if few:
        what = f"{len(few)} classes have fewer than {_FEW} clips, such as {few[0]!r}"
        yield Finding("warning", "classes", "train", what, "they will hardly be learned", tuple(few))


def _strangers(train: Sequence[IsolatedClip], other: Sequence[IsolatedClip], split: str) -> Iterator[Finding]:
    shared = {clip.signer for clip in train if clip.signer} & {clip.signer for clip in other}
    if shared:
        what = f"of the signers {len(shared)} are in train, too, {min(shared)} among them"
        yield Finding("info", "signers", split, what, "figures say nothing about new signers")
