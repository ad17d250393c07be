"""Made corpora as a configuration names them: written on first use, then read like Phoenix-2014."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slr.data.boston104 import Boston104
from slr.data.phoenix2014 import Phoenix2014
from slr.data.sfinge3d import Sfinge3D
from slr.data.tracks import TrackCorpus
from slr.skeleton import SkeletonLayout
from slr.synthesis.corpus import SimulatedSpec
from slr.synthesis.folder import CorpusSpec, Progress, write_corpus
from slr.synthesis.splice import Splicing, with_spliced
from slr.synthesis.stitch import StitchSpec


def simulated_corpus(
    root: Path | str,
    *,
    profile: str = "small",
    seed: int = 0,
    level: str = "high",
    sentence_lists: str | None = None,
    layout: str | SkeletonLayout = "sign-27",
    progress: Progress | None = None,
) -> Phoenix2014:
    """The simulated corpus below ``root``, made when it is not there, with keypoints of a named ``level``.

    Every profile and seed gets a folder of its own, such as ``ROOT/small-seed0``. The other arguments are those of
    :class:`~slr.synthesis.SimulatedSpec` and :class:`~slr.data.Phoenix2014`.

    Raises:
        ValueError: on an unknown profile or level, or a folder that holds something else.
    """
    spec = SimulatedSpec(profile=profile, seed=seed, sentence_lists=sentence_lists)
    return _open(Path(root), spec, level, layout, progress)


def stitched_corpus(
    root: Path | str,
    *,
    source: str,
    seed: int = 0,
    sentences: Sequence[int] = (300, 80, 160),
    length: Sequence[int] = (3, 6),
    level: str = "none",
    layout: str | SkeletonLayout = "sign-27",
    progress: Progress | None = None,
) -> Phoenix2014:
    """Recorded WLASL-50 signs stitched into sentences below ``root``, made when they are not there.

    ``level`` disturbs the recorded keypoints further; ``"none"`` leaves them as recorded. The other arguments are those
    of :class:`~slr.synthesis.StitchSpec`.

    Raises:
        ValueError: when ``source`` is missing, the level is unknown, ``sentences`` or ``length`` make no corpus, or
            ``root`` holds something else.
    """
    spec = StitchSpec(source=source, seed=seed, sentences=tuple(sentences), length=tuple(length))
    return _open(Path(root), spec, level, layout, progress)


def spliced_boston104(
    root: Path | str,
    *,
    layout: str | SkeletonLayout = "nose-hands-3",
    sentences: int = 300,
    share: float = 0.5,
    seed: int = 0,
) -> TrackCorpus:
    """RWTH-BOSTON-104 with further training sentences, in which signs are replaced by others of same gloss and signer.

    The arguments are those of :class:`~slr.data.Boston104` and :class:`~slr.synthesis.splice.Splicing`.

    Raises:
        ValueError: as these do.
    """
    return with_spliced(Boston104(root, layout=layout), Splicing(sentences, share, True, seed))


def spliced_sfinge3d(
    root: Path | str,
    *,
    layout: str | SkeletonLayout = "leap-hand-20",
    isolated: bool = True,
    sentences: int = 300,
    share: float = 0.7,
    seed: int = 0,
) -> TrackCorpus:
    """SFINGE3D with further training sequences, in which gestures are replaced by any others that were recorded.

    The movements between gestures stay those of a recorded sequence. The arguments are those of
    :class:`~slr.data.Sfinge3D` and :class:`~slr.synthesis.splice.Splicing`.

    Raises:
        ValueError: as these do.
    """
    return with_spliced(Sfinge3D(root, layout=layout, isolated=isolated), Splicing(sentences, share, False, seed))


def _open(
    root: Path, spec: CorpusSpec, level: str, layout: str | SkeletonLayout, progress: Progress | None
) -> Phoenix2014:
    folder = write_corpus(root / spec.folder, spec, level, progress=progress)
    return Phoenix2014(folder, keypoints=Path("keypoints") / level, layout=layout)
