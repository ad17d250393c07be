"""What is in a corpus, and what is wrong with it, before anything is trained on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from slr.ctc import required_steps
from slr.data.corpus import SPLITS, Clip, Corpus
from slr.data.sampling import TemporalPlan
from slr.vocabulary import Vocabulary

SEVERITIES = ("info", "warning", "error")


@dataclass(frozen=True)
class Finding:
    """One thing to know about a corpus.

    ``severity`` is ``"info"``, ``"warning"`` (results will suffer) or ``"error"`` (training would stop or be wrong);
    ``check`` names the kind of finding, ``split`` where it was found ("" for the whole corpus). ``clips`` lists every
    clip concerned and ``values`` the numbers behind the message.
    """

    severity: str
    check: str
    split: str
    message: str
    remedy: str = ""
    clips: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.severity in SEVERITIES, self.severity


def inspect(
    corpus: Corpus,
    vocabulary: Vocabulary,
    output_lengths: Callable[[Tensor], Tensor],
    *,
    plan: TemporalPlan | None = None,
    splits: Sequence[str] = SPLITS,
    streams: Iterable[str] = ("rgb", "pose"),
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Finding]:
    """Look at every clip of a corpus: annotations, presence of its recordings, its keypoints and its CTC target.

    Of the frames only their presence is checked, and that the first of each split can be decoded; keypoints are read in
    full.

    Args:
        corpus: what to look at.
        vocabulary: the glosses a network would write.
        output_lengths: output steps of the network for plans of ``[N]`` frames.
        plan: which frames training would show; the shortest it can draw is looked at, too.
        splits: which splits to look at.
        streams: ``"rgb"``, ``"pose"`` or both.
        progress: called with what is being looked at, clips done and clips in all.
    """
    streams = frozenset(streams)
    findings = list(_exclusions(corpus))
    for split in splits:
        clips = corpus.clips(split)
        lengths, failures = _lengths(corpus, clips)
        findings.append(_contents(corpus, split, clips, lengths))
        findings += _failures("frames", split, failures)
        findings += _transcripts(split, clips, vocabulary)
        findings += _feasibility(split, clips, lengths, output_lengths, plan or TemporalPlan())
        readable = [clip for clip in clips if clip.id in lengths]
        if "rgb" in streams:
            findings += _first_frame(corpus, split, readable)
        if "pose" in streams:
            findings += _keypoints(corpus, split, readable, lengths, progress)
    return findings


def _exclusions(corpus: Corpus) -> Iterator[Finding]:
    for exclusion in corpus.excluded:
        message = f"clip {exclusion.clip!r} is left out: {exclusion.reason}"
        yield Finding("info", "excluded", exclusion.split, message, clips=(exclusion.clip,))


def _lengths(corpus: Corpus, clips: Sequence[Clip]) -> tuple[dict[str, int], dict[str, str]]:
    lengths: dict[str, int] = {}
    failures: dict[str, str] = {}
    for clip in clips:
        try:
            lengths[clip.id] = corpus.num_frames(clip)
        except ValueError as fault:
            failures[clip.id] = str(fault)
    return lengths, failures


def _contents(corpus: Corpus, split: str, clips: Sequence[Clip], lengths: Mapping[str, int]) -> Finding:
    signers = Counter(clip.signer for clip in clips)
    glosses = Counter(gloss for clip in clips for gloss in clip.glosses)
    frames = sum(lengths.values())
    by_signer = ", ".join(f"{signer} {count}" for signer, count in sorted(signers.items()))
    message = (
        f"{split}: {len(clips)} clips of {len(signers)} signers ({by_signer}), {glosses.total()} glosses of "
        f"{len(glosses)} kinds, {frames} frames ({frames / corpus.fps / 3600:.2f} h)"
    )
    values = {
        "clips": len(clips),
        "signers": len(signers),
        "glosses": glosses.total(),
        "kinds": len(glosses),
        "frames": frames,
        **{f"clips of {signer}": count for signer, count in signers.items()},
    }
    return Finding("info", "contents", split, message, values=values)


def _failures(check: str, split: str, failures: Mapping[str, str]) -> Iterator[Finding]:
    if failures:
        first = next(iter(failures.values()))
        message = f"{split}: {check} of {len(failures)} clips cannot be read; the first: {first}"
        remedy = "complete the recordings; training clips can also be named in exclude"
        yield Finding("error", check, split, message, remedy, tuple(failures), {"clips": len(failures)})


def _transcripts(split: str, clips: Sequence[Clip], vocabulary: Vocabulary) -> Iterator[Finding]:
    empty = tuple(clip.id for clip in clips if not clip.glosses)
    if empty:
        message = f"{split}: {len(empty)} clips have no gloss at all, {empty[0]!r} first"
        yield Finding("warning", "transcripts", split, message, "check the annotation file", empty)
    total = sum(len(clip.glosses) for clip in clips)
    unknown = Counter(gloss for clip in clips for gloss in clip.glosses if gloss not in vocabulary)
    if not unknown:
        return
    share = unknown.total() / total
    concerned = tuple(clip.id for clip in clips if any(gloss in unknown for gloss in clip.glosses))
    most = ", ".join(gloss for gloss, _ in unknown.most_common(3))
    message = (
        f"{split}: {unknown.total()} of {total} glosses ({len(unknown)} kinds: {most}, ...) are not in the vocabulary"
    )
    values = {"tokens": unknown.total(), "kinds": len(unknown), "share": share}
    if split == "train":
        remedy = "take the vocabulary from these training clips"
        yield Finding("error", "vocabulary", split, message, remedy, concerned, values)
    else:
        message += f", so no WER below {share:.2%} can be reached"
        remedy = "nothing is wrong: training cannot teach them; name this floor beside results"
        yield Finding("warning", "vocabulary", split, message, remedy, concerned, values)


def _feasibility(
    split: str,
    clips: Sequence[Clip],
    lengths: Mapping[str, int],
    output_lengths: Callable[[Tensor], Tensor],
    plan: TemporalPlan,
) -> Iterator[Finding]:
    known = [clip for clip in clips if clip.id in lengths]
    if not known:
        return
    whole = _too_short(known, lengths, output_lengths, plan, training=False)
    if whole:
        clip, have = next(iter(whole.items()))
        message = f"{split}: {len(whole)} clips are too short for their glosses under CTC; the first, {clip!r}, {have}"
        remedy = "use a smaller stride or a network that reduces time less; training clips can be named in exclude"
        severity = "error" if split == "train" else "warning"
        yield Finding(severity, "ctc", split, message, remedy, tuple(whole), {"clips": len(whole)})
    drawn = _too_short(known, lengths, output_lengths, plan, training=True) if split == "train" else {}
    sometimes = {clip: have for clip, have in drawn.items() if clip not in whole}
    if sometimes:
        clip, have = next(iter(sometimes.items()))
        message = f"{split}: the shortest draws of {len(sometimes)} clips are too short for CTC; of {clip!r} one {have}"
        remedy = "raise the lowest speed or min_frames, or accept that these draws teach nothing"
        yield Finding("warning", "ctc draws", split, message, remedy, tuple(sometimes), {"clips": len(sometimes)})


def _too_short(
    clips: Sequence[Clip],
    lengths: Mapping[str, int],
    output_lengths: Callable[[Tensor], Tensor],
    plan: TemporalPlan,
    *,
    training: bool,
) -> dict[str, str]:
    shortest = [plan.bounds(lengths[clip.id], training=training)[0] for clip in clips]
    steps = output_lengths(torch.tensor(shortest)).tolist()
    return {
        clip.id: f"gives {have} output steps and needs {required_steps(clip.glosses)}"
        for clip, have in zip(clips, steps, strict=True)
        if have < required_steps(clip.glosses)
    }


def _first_frame(corpus: Corpus, split: str, clips: Sequence[Clip]) -> Iterator[Finding]:
    if not clips:
        return
    try:
        corpus.rgb(clips[0], torch.tensor([0]))
    except ValueError as fault:
        yield from _failures("decoding", split, {clips[0].id: str(fault)})


def _keypoints(
    corpus: Corpus,
    split: str,
    clips: Sequence[Clip],
    lengths: Mapping[str, int],
    progress: Callable[[str, int, int], None] | None,
) -> Iterator[Finding]:
    failures: dict[str, str] = {}
    shoulderless: list[str] = []
    missing = torch.zeros(len(corpus.layout), dtype=torch.float64)
    frames = 0
    for done, clip in enumerate(clips, start=1):
        try:
            present = corpus.pose(clip, torch.arange(lengths[clip.id]))[..., -1] > 0
        except ValueError as fault:
            failures[clip.id] = str(fault)
            continue
        missing += (~present).sum(dim=0)
        frames += len(present)
        if corpus.layout.reference is not None and not present[:, list(corpus.layout.reference)].all(dim=1).any():
            shoulderless.append(clip.id)
        if progress is not None:
            progress(f"keypoints of {split}", done, len(clips))
    yield from _failures("keypoints", split, failures)
    if frames:
        yield _gaps(corpus, split, missing / frames)
    if shoulderless:
        message = f"{split}: {len(shoulderless)} clips never show both shoulders, {shoulderless[0]!r} first"
        remedy = "normalise by 'frame', or run the keypoint estimator on them again: 'signer' places them by the frame"
        yield Finding("warning", "shoulders", split, message, remedy, tuple(shoulderless))


def _gaps(corpus: Corpus, split: str, missing: Tensor) -> Finding:
    shares = {name: float(missing[list(joints)].mean()) for name, joints in corpus.layout.groups.items()}
    listed = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    message = f"{split}: keypoints missing per group: {listed}"
    if max(shares.values()) <= 0.5:
        return Finding("info", "gaps", split, message, values=shares)
    return Finding(
        "warning", "gaps", split, message, "look at the keypoint estimator: half of a group is missing", (), shares
    )
