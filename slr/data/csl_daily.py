"""CSL-Daily (Zhou et al., CVPR 2021), read from the folders exactly as they are distributed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slr.data.corpus import SPLITS, Clip
from slr.data.frame_corpus import FrameCorpus
from slr.data.frames import list_frames
from slr.data.phoenix2014_folder import find_keypoints, keypoints_title
from slr.data.pipe_tables import read_pipe_table
from slr.plain_pickle import read_plain_pickle
from slr.scoring import read_transcripts
from slr.skeleton import SkeletonLayout

ANNOTATIONS = ("pickle", "stm")
_FRAMES = ("sentence/frames_512x512", "sentence_frames-512x512/frames_512x512", "frames_512x512")
# The list of the splits has a clip that there is not, and lacks one that there is: everybody takes this for that.
_MISPRINTED = ("S000005_P0004_T00", "S000007_P0003_T00")
_PERFORMER = re.compile(r"_P(\d+)_")


class CslDaily(FrameCorpus):
    """CSL-Daily for recognition: 30 frames per second of 512 x 512 pixels, 10 signers, 18401 / 1077 / 1176 clips.

    Below ``root`` lie ``sentence_label/split_1.txt``, ``sentence_label/csl2020ct_v2.pkl`` and the frames,
    ``sentence/frames_512x512/ID/*.jpg``. Where the annotations come as the official references instead, ``stm`` reads
    ``CSL-Daily-groundtruth-SPLIT.stm`` from ``root`` or ``sentence_label`` and needs no other file of these two. All
    2000 glosses occur in training. The list of the splits names ``S000005_P0004_T00``, which does not exist, and lacks
    ``S000007_P0003_T00``, which does: the one is taken for the other. Who signs is told by the id.

    Args:
        root: the folder that holds ``sentence_label``.
        annotations: ``"pickle"`` or ``"stm"``. A pickle is read as plain data; one that asks for code is refused.
        frames: folder of the frames below ``root``; ``None`` to read the keypoints alone.
        keypoints: folder with one keypoint store per split (:mod:`slr.data.keypoints`), absolute or below ``root``;
            ``keypoints`` below ``root`` when left out, as for :class:`~slr.data.Phoenix2014`.
        layout: joints to deliver, a layout or its name; every store must have them.
        exclude: training clips to leave out, by id.

    Raises:
        ValueError: when a folder or an annotation file is missing or damaged, a clip of a split has no annotation, or
            an excluded clip is no training clip.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        annotations: str = "pickle",
        frames: str | None = _FRAMES[0],
        keypoints: Path | str | None = None,
        layout: str | SkeletonLayout = "sign-27",
        exclude: Sequence[str] = (),
    ) -> None:
        root = Path(root)
        if annotations not in ANNOTATIONS:
            raise ValueError(f"unknown annotations {annotations!r} of CSL-Daily: there are {', '.join(ANNOTATIONS)}")
        if not root.is_dir():
            raise ValueError(f"there is no corpus at {root}: give the folder of CSL-Daily that holds sentence_label")
        self._frames = None if frames is None else _find_frames(root, frames)
        self._annotations = read_pickled(root) if annotations == "pickle" else read_references(root)
        stores = find_keypoints(root, root, keypoints)
        super().__init__(
            name=", ".join(filter(None, ["CSL-Daily", keypoints_title(stores)])),
            fps=30.0,
            layout=layout,
            keypoints=stores,
            frames=frames is not None,
            exclude=exclude,
        )

    def _annotated(self, split: str) -> list[Clip]:
        return [_clip(name, split, glosses) for name, glosses in self._annotations[split].items()]

    def _list_images(self, clip: Clip) -> list[Path]:
        assert self._frames is not None
        return list_frames(self._frames, clip.source, clip.id)


Annotations = Mapping[str, Mapping[str, tuple[str, ...]]]  # split -> clip -> glosses


def _clip(name: str, split: str, glosses: tuple[str, ...]) -> Clip:
    performer = _PERFORMER.search(name)
    return Clip(name, split, f"P{performer[1]}" if performer else "unknown", glosses, f"{name}/*.jpg")


def _find_frames(root: Path, frames: str) -> Path:
    if (root / frames).is_dir():
        return root / frames
    others = [place for place in _FRAMES if (root / place).is_dir()]
    hint = f"frames can be {', '.join(others)}" if others else "give frames as null to read keypoints alone"
    raise ValueError(f"the folder of frames {root / frames} is missing: {hint}")


def read_pickled(root: Path) -> Annotations:
    """Glosses from ``csl2020ct_v2.pkl``, dealt to the splits by ``split_1.txt``, in the order of that list.

    Raises:
        ValueError: when one of the files is missing or not what it should be, or a clip of the list has no glosses.
    """
    folder = root / "sentence_label"
    listed, labelled = folder / "split_1.txt", folder / "csl2020ct_v2.pkl"
    if not labelled.is_file() and _references(root):
        raise ValueError(f"{labelled} is missing, but there are references: set annotations to stm to read these")
    glosses = _labels(read_plain_pickle(labelled, "the labels of CSL-Daily"), labelled)
    if not listed.is_file():
        raise ValueError(f"{listed} is missing: it says which clips of CSL-Daily are in which split")
    found: dict[str, dict[str, tuple[str, ...]]] = {split: {} for split in SPLITS}
    rows = read_pipe_table(listed, ("name", "split"), needed=2)
    names = {name for name, _ in rows}
    for name, split in rows:
        if split not in found:
            raise ValueError(f"{listed} puts clip {name!r} into the split {split!r}: there are {', '.join(SPLITS)}")
        if name == _MISPRINTED[0] and name not in glosses and _MISPRINTED[1] not in names:
            name = _MISPRINTED[1]
        if name not in glosses:
            raise ValueError(f"{labelled} has no glosses of clip {name!r}, which {listed} puts into {split}")
        found[split][name] = glosses[name]
    return found


def _labels(content: Any, path: Path) -> dict[str, tuple[str, ...]]:
    info = content.get("info") if isinstance(content, Mapping) else None
    if not isinstance(info, list):
        raise ValueError(f"{path} holds no list called info: it is not the label file of CSL-Daily")
    labels = {}
    for number, entry in enumerate(info):
        name = entry.get("name") if isinstance(entry, Mapping) else None
        glosses = entry.get("label_gloss") if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or not isinstance(glosses, list | tuple):
            raise ValueError(f"entry {number} of info in {path} lacks a text called name or a list label_gloss")
        if not all(isinstance(gloss, str) and len(gloss.split()) == 1 for gloss in glosses):
            raise ValueError(
                f"clip {name!r} in {path} has glosses {list(glosses)!r}: texts without blanks should be there"
            )
        labels[name] = tuple(glosses)
    return labels


def _references(root: Path) -> dict[str, Path]:
    """The reference file of every split that has one."""
    places = {
        split: [folder / f"CSL-Daily-groundtruth-{split}.stm" for folder in (root, root / "sentence_label")]
        for split in SPLITS
    }
    return {split: path for split, paths in places.items() for path in paths if path.is_file()}


def read_references(root: Path) -> Annotations:
    """Glosses from the official references, in their order.

    Raises:
        ValueError: when one is missing or no such file, or a clip is in two of them.
    """
    files = _references(root)
    for split in SPLITS:
        if split not in files:
            raise ValueError(f"CSL-Daily-groundtruth-{split}.stm is missing in {root} and in its sentence_label")
    found = {split: {name: one.glosses for name, one in read_transcripts(files[split]).items()} for split in SPLITS}
    seen: dict[str, str] = {}
    for split, clips in found.items():
        for name in clips:
            if name in seen:
                raise ValueError(
                    f"clip {name!r} is in {files[seen[name]]} and in {files[split]}: it may be in one only"
                )
            seen[name] = split
    return found
