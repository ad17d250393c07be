"""RWTH-PHOENIX-Weather 2014-T (Camgoz et al., CVPR 2018), read from the folder exactly as it is distributed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slr.data.corpus import SPLITS, Clip
from slr.data.frame_corpus import FrameCorpus
from slr.data.frames import list_frames
from slr.data.phoenix2014_folder import find_features, find_keypoints, keypoints_title
from slr.data.pipe_tables import read_pipe_table
from slr.skeleton import SkeletonLayout

_COLUMNS = ("name", "video", "start", "end", "speaker", "orth", "translation")
_BELOW = ("", "PHOENIX-2014-T", "PHOENIX-2014-T-release-v3/PHOENIX-2014-T")


class Phoenix2014T(FrameCorpus):
    """Phoenix-2014-T for recognition: its glosses (``orth``); the German translation is not read.

    Below ``root``, or below ``PHOENIX-2014-T`` in it, lie ``annotations/manual/PHOENIX-2014-T.SPLIT.corpus.csv`` and
    ``features/FEATURES/SPLIT/ID/*.png``. The annotations say ``ID/1/*.png``, as in Phoenix-2014; where there is such a
    folder the images are taken from it. 25 frames per second of 210 x 260 pixels, 9 signers, 7096 / 519 / 642 clips,
    1085 glosses in training and 1115 in all.

    Args:
        root: the release, or the folder in it.
        features: folder below ``features`` that holds the frames; ``None`` to read the keypoints alone.
        keypoints: folder with one keypoint store per split (:mod:`slr.data.keypoints`), absolute or below ``root``;
            ``keypoints`` below ``root`` when left out, as for :class:`~slr.data.Phoenix2014`.
        layout: joints to deliver, a layout or its name; every store must have them.
        exclude: training clips to leave out, by id.

    Raises:
        ValueError: when a folder or an annotation file is missing, or an excluded clip is no training clip.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        features: str | None = "fullFrame-210x260px",
        keypoints: Path | str | None = None,
        layout: str | SkeletonLayout = "sign-27",
        exclude: Sequence[str] = (),
    ) -> None:
        folder = _find_folder(Path(root))
        self._files = {split: folder / "annotations" / "manual" / _annotation_file(split) for split in SPLITS}
        for path in self._files.values():
            if not path.is_file():
                raise ValueError(f"the annotation file {path} is missing: the release of Phoenix-2014-T has it")
        self._features = None if features is None else find_features(folder, features)
        stores = find_keypoints(Path(root), folder, keypoints)
        super().__init__(
            name=", ".join(filter(None, ["RWTH-PHOENIX-Weather 2014-T", keypoints_title(stores)])),
            fps=25.0,
            layout=layout,
            keypoints=stores,
            frames=features is not None,
            exclude=exclude,
        )

    def _annotated(self, split: str) -> list[Clip]:
        return read_annotations(self._files[split], split)

    def _list_images(self, clip: Clip) -> list[Path]:
        assert self._features is not None
        folder = self._features / clip.split
        as_annotated = folder.joinpath(*Path(clip.source).parent.parts).is_dir()
        return list_frames(folder, clip.source if as_annotated else f"{clip.id}/*.png", clip.id)


def _annotation_file(split: str) -> str:
    return f"PHOENIX-2014-T.{split}.corpus.csv"


def _find_folder(root: Path) -> Path:
    if not root.is_dir():
        raise ValueError(f"there is no corpus at {root}: give the folder of the Phoenix-2014-T release")
    for below in _BELOW:
        if (root / below / "annotations" / "manual").is_dir():
            return root / below
    raise ValueError(
        f"{root} is no Phoenix-2014-T release: neither it nor {root / _BELOW[1]} has a folder annotations/manual"
    )


def read_annotations(path: Path, split: str) -> list[Clip]:
    """Rows ``name|video|start|end|speaker|orth|translation``, with or without that header.

    Raises:
        ValueError: when the file is no such table; see :func:`slr.data.pipe_tables.read_pipe_table`.
    """
    return [
        Clip(clip, split, speaker, tuple(orth.split()), video)
        for clip, video, _, _, speaker, orth, _ in read_pipe_table(path, _COLUMNS, needed=2)
    ]
