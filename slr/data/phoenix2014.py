"""RWTH-PHOENIX-Weather 2014 (Koller, Forster, Ney, CVIU 2015), read from the folder exactly as it is distributed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slr.data.corpus import SPLITS, Clip
from slr.data.frame_corpus import FrameCorpus
from slr.data.frames import list_frames
from slr.data.phoenix2014_folder import (
    BROKEN,
    SETUPS,
    find_features,
    find_folder,
    find_keypoints,
    keypoints_title,
    read_annotations,
    read_card,
)
from slr.skeleton import SkeletonLayout


class Phoenix2014(FrameCorpus):
    """The corpus in its own folder, or any corpus laid out like it (the simulated corpus is).

    Below ``root``, or below the folder of the set-up in it, lie ``annotations/manual/SPLIT.corpus.csv``
    (``SPLIT.SI5.corpus.csv`` for SI5) and ``features/FEATURES/SPLIT/ID/1/*.png``. A ``CORPUS.json`` there, with
    ``name`` and optionally ``fps`` and ``frame_size``, renames the corpus: so simulated data never pass for Phoenix.
    Phoenix has 25 frames per second of 210 x 260 pixels, 9 signers, 5672 / 540 / 629 clips, 1231 glosses in training
    and 1295 in all; the one training clip whose recording is broken is left out.

    Args:
        root: the release, or the folder of a set-up in it.
        setup: ``"multisigner"``, or ``"si5"`` where signer 5 is in dev and test only.
        features: folder below ``features`` that holds the frames; ``None`` when the frames are not at hand and the
            keypoints alone are read.
        keypoints: folder with one keypoint store per split (:mod:`slr.data.keypoints`), absolute or below ``root``;
            ``keypoints`` below ``root`` when left out. Stores in a folder of their own below it, such as
            ``keypoints/high``, are found there, and the name of the corpus says which they are.
        layout: joints to deliver, a layout or its name; every store must have them.
        exclude: further training clips to leave out, by id.

    Raises:
        ValueError: when a folder or an annotation file is missing, or an excluded clip is no training clip.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        setup: str = "multisigner",
        features: str | None = "fullFrame-210x260px",
        keypoints: Path | str | None = None,
        layout: str | SkeletonLayout = "sign-27",
        exclude: Sequence[str] = (),
    ) -> None:
        if setup not in SETUPS:
            raise ValueError(f"unknown set-up {setup!r} of Phoenix-2014: there are {', '.join(SETUPS)}")
        folder = find_folder(Path(root), setup)
        self._files = {split: folder / "annotations" / "manual" / f"{split}{SETUPS[setup][1]}" for split in SPLITS}
        for path in self._files.values():
            if not path.is_file():
                raise ValueError(f"the annotation file {path} is missing: the {setup} release of Phoenix-2014 has it")
        self._features = None if features is None else find_features(folder, features)
        stores = find_keypoints(Path(root), folder, keypoints)
        card = read_card([Path(root), folder])
        named = card.get("name", SETUPS[setup][2])
        size = card.get("frame_size")
        super().__init__(
            name=", ".join(filter(None, [named, keypoints_title(stores)])),
            fps=float(card.get("fps", 25.0)),
            layout=layout,
            keypoints=stores,
            frames=features is not None,
            frame_size=None if size is None else (size[0], size[1]),
            # What is broken in Phoenix is whole in a corpus that only took over its sentences.
            broken={} if card else BROKEN,
            exclude=exclude,
        )

    def _annotated(self, split: str) -> list[Clip]:
        return read_annotations(self._files[split], split)

    def _list_images(self, clip: Clip) -> list[Path]:
        assert self._features is not None
        return list_frames(self._features / clip.split, clip.source, clip.id)
