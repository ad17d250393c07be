"""A frozen teacher for distillation: live, or its outputs on the training clips read from the cache."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import product
from typing import cast

from torch.utils.data import DataLoader, Dataset

from kd.cache import CachedClip, TeacherCache, fill
from kd.identity import view_name
from kd.teacher import CachedTeacher, FrozenTeacher
from slr.data import Sample, SignDataset, collate
from slr.types import Batch, Network
from workbench.code_identity import module_hash
from workbench.config import content_hash
from workbench.disk import saying_when_full
from workbench.measure import MadeNetwork
from workbench.network_identity import identity_of
from workbench.progress import Bar
from workbench.training import Teaching
from workbench.workplace import Workplace

CLIPS_PER_BATCH = 8


def teaching_of(place: Workplace, made: MadeNetwork, taps: Iterable[str], *, live: bool) -> Teaching:
    """What a distillation learns from: the teacher ``made``, and the ``taps`` of it that are read.

    Its outputs come from the cache, where what is missing is computed now; or, ``live``, from the network in every
    step, which any change of the clips allows and which costs a forward pass of the teacher.

    Raises:
        NoRoomError: when there is no room for the cache; what is in it stays.
    """
    network = cast(Network, made.network)
    stream = network.input_stream
    dataset = place.dataset("train", {stream})
    identity = identity_of(made.network, made.card, dataset)
    widths = {**network.tap_widths, "logits": len(made.card.glosses) + 1}
    frozen = FrozenTeacher(made.network, str(made.checkpoint))
    if live:
        return Teaching(frozen, widths, content_hash(["live", identity]), streams=(stream,))
    taps = tuple(sorted(set(taps) - {"logits"}))
    fingerprints = place.fingerprints("train", stream)
    with saying_when_full(place.cache):
        _fill(place, frozen, dataset, fingerprints, identity, taps)
    cache = TeacherCache(place.cache, identity, preload=True)
    said = content_hash(["cached", identity, sorted(fingerprints.items()), module_hash(CachedTeacher.__module__)])
    lengths = {clip.id: place.corpus.num_frames(clip) for clip in dataset.clips}
    frames = {
        clip: [dataset.plan.whole(n, start) for start in range(dataset.plan.starts(n))] for clip, n in lengths.items()
    }
    return Teaching(CachedTeacher(cache, fingerprints, frames, taps), widths, said)


def _fill(
    place: Workplace,
    teacher: FrozenTeacher,
    dataset: SignDataset,
    fingerprints: dict[str, str],
    identity: str,
    taps: tuple[str, ...],
) -> None:
    cache = TeacherCache(place.cache, identity)
    starts = [dataset.plan.starts(place.corpus.num_frames(clip)) for clip in dataset.clips]
    flips = (False, True) if place.data.streams.flip > 0 else (False,)
    for flip, start in product(flips, range(max(starts))):
        clips = [
            CachedClip(clip.id, fingerprints[clip.id], length)
            for clip, length, several in zip(dataset.clips, dataset.lengths, starts, strict=True)
            if start < several
        ]
        view = view_name(flipped=flip, start=start)
        with place.progress.bar(f"teacher outputs, {view}", len(clips)) as bar:
            fill(
                cache,
                teacher,
                clips,
                partial(_batches, dataset, flip, start),
                taps=taps,
                view=view,
                batch_size=CLIPS_PER_BATCH,
                device=place.precision.device,
                progress=_Advance(bar),
            )


class _Advance:
    """Moves a bar that counts clips when a batch of them is done."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._shown = 0

    def __call__(self, done: int, total: int) -> None:
        for _ in range(done - self._shown):
            self._bar.advance()
        self._shown = done


class _View(Dataset[Sample]):
    """The clips of a dataset, all mirrored or none, all from the same start."""

    def __init__(self, dataset: SignDataset, flip: bool, start: int) -> None:
        self._dataset = dataset
        self._flip = flip
        self._start = start

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Sample:
        return self._dataset.evaluation_sample(index, flip=self._flip, start=self._start)


def _batches(dataset: SignDataset, flip: bool, start: int, lists: list[list[str]]) -> Iterable[Batch]:
    index = {clip.id: number for number, clip in enumerate(dataset.clips)}
    sampler = [[index[clip] for clip in clips] for clips in lists]
    return cast(Iterable[Batch], DataLoader(_View(dataset, flip, start), batch_sampler=sampler, collate_fn=collate))
