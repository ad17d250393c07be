"""Write a made corpus as a folder laid out like RWTH-PHOENIX-Weather 2014.

```
ROOT/CORPUS.json                                            what this is; written last, so its presence means "complete"
ROOT/lexicon.json                                           what is known about every sign
ROOT/features/fullFrame-210x260px/SPLIT/ID/1/*.png          the rendered frames
ROOT/annotations/manual/SPLIT.corpus.csv                    id|folder|signer|annotation
ROOT/annotations/automatic/SPLIT.segments.csv               id|gloss|first frame|last frame, the true segments
ROOT/keypoints/LEVEL/SPLIT.safetensors                      what the keypoint estimator saw, one store per named level
```

The folder name of the frames is Phoenix's own; the size of the frames in it is the corpus's and stands in
``CORPUS.json``. A clip is made from its specification, split and number alone, so a corpus that was cut off is
completed, and other keypoint levels are added, without touching what is there. Until it is complete,
``UNFINISHED.json`` says which corpus it will be.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from PIL import Image

from slr.data.keypoints import write_keypoints
from slr.files import write_text
from slr.synthesis.camera import Camera
from slr.synthesis.estimator import KEYPOINT_LEVELS, LAYOUT
from slr.synthesis.motion import Motion
from slr.synthesis.render import render
from slr.synthesis.sentences import SPLITS, Sentence
from slr.synthesis.signers import Signer

FEATURES = "fullFrame-210x260px"
FPS = 25.0  # frames per second of Phoenix and of every corpus made here
_UNFINISHED = "UNFINISHED.json"
FORMAT = 1  # raised whenever the same specification would give other bytes

Progress = Callable[[str, int, int], None]  # what is being made, clips done, clips in all


class ClipSource(Protocol):
    """All clips of a made corpus, on demand."""

    @property
    def sentences(self) -> Mapping[str, Sequence[Sentence]]:
        """Sentences of every split, in order."""
        ...

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height of the frames in pixels."""
        ...

    def signer_of(self, split: str, index: int) -> str:
        """Name of who signs a clip."""
        ...

    def motion(self, split: str, index: int) -> tuple[Motion, Signer, Camera]:
        """One clip as a moving body, with who signs it and the camera in front of them."""
        ...

    def keypoints(self, split: str, index: int, level: str) -> np.ndarray:
        """Keypoints ``[T, 133, 3]`` of one clip at a named level."""
        ...

    def describe(self) -> dict[str, Any]:
        """What is known about the signs, for ``lexicon.json``."""
        ...


class CorpusSpec(Hashable, Protocol):
    """A frozen dataclass of all that decides the bytes of a corpus; it travels to the rendering processes."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str:
        """How results must call this corpus."""
        ...

    @property
    def details(self) -> dict[str, Any]:
        """What its name stands for: a folder made when it stood for something else is not this corpus."""
        ...

    @property
    def folder(self) -> str:
        """Name of its own folder below a root that it may share with other corpora."""
        ...

    def open(self) -> ClipSource:
        """The clips themselves."""
        ...


def write_corpus(
    root: Path | str,
    spec: CorpusSpec,
    level: str,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Make a corpus in ``root`` unless it is there, and its keypoints at ``level``.

    Args:
        root: folder of this corpus and no other.
        spec: which corpus.
        level: name of a keypoint level, see ``KEYPOINT_LEVELS``.
        workers: processes that render; the number of processors when left out.
        progress: called after every clip.

    Returns:
        ``root``.

    Raises:
        ValueError: when ``root`` holds another corpus or the beginning of one, or the level is unknown.
        OSError: when the disk is full; what is complete stays and is not made again.
    """
    root = Path(root)
    if level not in KEYPOINT_LEVELS:
        raise ValueError(f"unknown keypoint level {level!r}: there are {', '.join(KEYPOINT_LEVELS)}")
    # As JSON gives it back, tuples as lists: it is compared with what a card says.
    wanted = json.loads(
        json.dumps({"format": FORMAT, "kind": type(spec).__name__, **asdict(spec), "details": spec.details})
    )
    made = _read_card(root)
    if made is not None:
        _demand_same(root, made["specification"], wanted, f"another corpus ({made['name']})")
    if made is not None and _stores_complete(root, level):
        return root
    clips = spec.open()
    if made is None:
        _claim(root, wanted)
        _write_frames(root, spec, clips, workers or os.cpu_count() or 1, progress)
        _write_annotations(root, clips)
    if not _stores_complete(root, level):
        _write_keypoints(root, clips, level, progress)
    if made is None:
        _write_card(root, spec, clips, wanted)
        (root / _UNFINISHED).unlink(missing_ok=True)
    return root


def _read_card(root: Path) -> dict[str, Any] | None:
    path = root / "CORPUS.json"
    if not path.is_file():
        return None
    card = _read_json(path)
    if "specification" not in card:
        raise ValueError(f"{path} was not written by the simulated corpus: choose another root")
    return card


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise ValueError(f"{path} is not JSON ({fault}): choose another root for the corpus") from fault


def _demand_same(root: Path, found: dict[str, Any], wanted: dict[str, Any], what: str) -> None:
    different = [key for key in {**wanted, **found} if found.get(key) != wanted.get(key)]
    if different:
        raise ValueError(
            f"{root} holds {what}, which differs in {', '.join(different)}: choose another root, or delete it"
        )


def _claim(root: Path, wanted: dict[str, Any]) -> None:
    """Say what an unfinished corpus will be, lest another be completed on top of it."""
    path = root / _UNFINISHED
    if path.is_file():
        _demand_same(root, _read_json(path), wanted, "the beginning of another corpus")
    elif (root / "annotations").exists() and not (root / "lexicon.json").exists():
        raise ValueError(f"{root} holds annotations of a corpus that was not made here: choose another root")
    write_text(path, json.dumps(wanted, indent=1, ensure_ascii=False) + "\n")


def _write_card(root: Path, spec: CorpusSpec, clips: ClipSource, specification: dict[str, Any]) -> None:
    card = {
        "name": spec.name,
        "simulated": True,
        "fps": FPS,
        "frame_size": list(clips.frame_size),
        "specification": specification,
    }
    write_text(root / "CORPUS.json", json.dumps(card, indent=1, ensure_ascii=False) + "\n")


def _stores_complete(root: Path, level: str) -> bool:
    return all((root / "keypoints" / level / f"{split}.safetensors").is_file() for split in SPLITS)


def _write_frames(root: Path, spec: CorpusSpec, clips: ClipSource, workers: int, progress: Progress | None) -> None:
    jobs = [
        (split, index)
        for split in SPLITS
        for index, sentence in enumerate(clips.sentences[split])
        if not _frame_folder(root, split, sentence.id).is_dir()
    ]
    done = 0
    for done, _ in enumerate(_map(workers, spec, root, jobs), start=1):
        if progress is not None:
            progress("frames", done, len(jobs))
    assert done == len(jobs)


def _map(workers: int, spec: CorpusSpec, root: Path, jobs: list[tuple[str, int]]) -> Iterator[None]:
    arguments = [(spec, str(root), split, index) for split, index in jobs]
    if workers <= 1 or len(jobs) < 8:
        yield from map(_render_clip, arguments)
        return
    # spawn, not fork: torch's thread pools do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_render_clip, arguments, chunksize=4)


@lru_cache(maxsize=1)
def _clips_of(spec: CorpusSpec) -> ClipSource:
    return spec.open()


def _render_clip(job: tuple[CorpusSpec, str, str, int]) -> None:
    spec, root, split, index = job
    clips = _clips_of(spec)
    frames = render(*clips.motion(split, index))
    folder = _frame_folder(Path(root), split, clips.sentences[split][index].id)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".part-"))
    try:
        for number, frame in enumerate(frames):
            name = f"{clips.sentences[split][index].id}.avi_pid0_fn{number:06d}-0.png"
            Image.fromarray(frame).save(part / name, compress_level=1)
        part.chmod(0o755)
        try:
            part.replace(folder)
        except OSError:
            if not folder.is_dir():  # else another process made the same frames first
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _frame_folder(root: Path, split: str, clip: str) -> Path:
    return root / "features" / FEATURES / split / clip / "1"


def _write_annotations(root: Path, clips: ClipSource) -> None:
    write_text(root / "lexicon.json", json.dumps(clips.describe(), indent=1, ensure_ascii=False) + "\n")
    for split in SPLITS:
        manual = [["id", "folder", "signer", "annotation"]]
        automatic = [["id", "gloss", "first_frame", "last_frame"]]
        for index, sentence in enumerate(clips.sentences[split]):
            manual.append(
                [sentence.id, f"{sentence.id}/1/*.png", clips.signer_of(split, index), " ".join(sentence.glosses)]
            )
            for segment in clips.motion(split, index)[0].segments:
                automatic.append([sentence.id, segment.gloss, str(segment.start), str(segment.end - 1)])
        write_text(root / "annotations" / "manual" / f"{split}.corpus.csv", _table(manual))
        write_text(root / "annotations" / "automatic" / f"{split}.segments.csv", _table(automatic))


def _table(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter="|", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _write_keypoints(root: Path, clips: ClipSource, level: str, progress: Progress | None) -> None:
    total = sum(len(clips.sentences[split]) for split in SPLITS)
    done = 0
    for split in SPLITS:
        store = {}
        for index, sentence in enumerate(clips.sentences[split]):
            store[sentence.id] = clips.keypoints(split, index, level)
            done += 1
            if progress is not None:
                progress(f"keypoints ({level})", done, total)
        path = root / "keypoints" / level / f"{split}.safetensors"
        write_keypoints(path, store, layout=LAYOUT, size=clips.frame_size)
