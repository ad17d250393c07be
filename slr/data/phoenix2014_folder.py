"""What lies where in a release of RWTH-PHOENIX-Weather 2014."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slr.data.corpus import SPLITS, Clip
from slr.data.keypoints import STORE_ENDINGS
from slr.data.pipe_tables import read_pipe_table

# set-up -> (folder, ending of the annotation files, name beside results)
SETUPS = {
    "multisigner": ("phoenix-2014-multisigner", ".corpus.csv", "RWTH-PHOENIX-Weather 2014, multi-signer"),
    "si5": (
        "phoenix-2014-signerindependent-SI5",
        ".SI5.corpus.csv",
        "RWTH-PHOENIX-Weather 2014, signer-independent SI5",
    ),
}

BROKEN = {"13April_2011_Wednesday_tagesschau_default-14": "the release has no usable recording of it"}


def read_annotations(path: Path, split: str) -> list[Clip]:
    """Rows ``id|folder|signer|annotation``, with or without that header (the SI5 files in circulation have none).

    Raises:
        ValueError: when the file is not UTF-8, a row has not four columns, an id or a folder is empty, an id stands
            twice, or there is no row.
    """
    rows = read_pipe_table(path, ("id", "folder", "signer", "annotation"), needed=2)
    return [Clip(clip, split, signer, tuple(annotation.split()), source) for clip, source, signer, annotation in rows]


def find_folder(root: Path, setup: str) -> Path:
    """The folder of a set-up: ``root`` itself or one below it.

    Raises:
        ValueError: when there is none.
    """
    if not root.is_dir():
        raise ValueError(f"there is no corpus at {root}: give the folder of the Phoenix-2014 release")
    name = SETUPS[setup][0]
    candidates = [root, root / name, root / "phoenix2014-release" / name]
    for folder in candidates:
        if (folder / "annotations" / "manual" / f"train{SETUPS[setup][1]}").is_file():
            return folder
    for folder in candidates:
        if (folder / "annotations" / "manual").is_dir():
            return folder  # what is missing in it is said by name
    raise ValueError(f"{root} is no Phoenix-2014 release: neither it nor {root / name} has a folder annotations/manual")


def find_features(folder: Path, features: str) -> Path:
    """The folder of the frames.

    Raises:
        ValueError: when it is missing; the ones that are there are named.
    """
    path = folder / "features" / features
    if path.is_dir():
        return path
    others = sorted(entry.name for entry in (folder / "features").glob("*/"))
    hint = f"features can be {', '.join(others)}" if others else "give features as null to read keypoints alone"
    raise ValueError(f"the folder of frames {path} is missing: {hint}")


def find_keypoints(root: Path, folder: Path, keypoints: Path | str | None) -> Path:
    """Where the keypoint stores lie, or would lie when nothing was said and there are none.

    A folder that has no stores itself but one folder with stores in it means that one; a simulated corpus has such a
    folder for every level of disturbance.

    Raises:
        ValueError: when the folder that was named does not exist, or several folders in it have stores.
    """
    name = "keypoints" if keypoints is None else keypoints
    # An absolute path swallows the folder before it.
    candidates = [folder / name, root / name, *([] if keypoints is None else [Path(keypoints)])]
    found = [path for path in candidates if path.is_dir()]
    if keypoints is not None and not found:
        raise ValueError(f"there is no folder of keypoints {keypoints}, neither below {root} nor here")
    return _with_stores(found[0]) if found else folder / name


def _with_stores(folder: Path) -> Path:
    if _has_stores(folder):
        return folder
    within = sorted(path for path in folder.iterdir() if path.is_dir() and _has_stores(path))
    if len(within) > 1:
        names = ", ".join(path.name for path in within)
        raise ValueError(
            f"{folder} holds several sets of keypoints, {names}: name the folder of one of them as keypoints "
            "(data.corpus.keypoints in a configuration)"
        )
    return within[0] if within else folder


def _has_stores(folder: Path) -> bool:
    return any((folder / f"{split}{ending}").exists() for split in SPLITS for ending in STORE_ENDINGS)


def keypoints_title(keypoints: Path) -> str:
    """What results say about a set of keypoints: ``keypoints high`` for ``keypoints/high``, else nothing."""
    return f"keypoints {keypoints.name}" if keypoints.parent.name == "keypoints" else ""


def read_card(folders: Sequence[Path]) -> dict[str, Any]:
    """The ``CORPUS.json`` of the first folder that has one; empty when none has.

    Raises:
        ValueError: when it does not describe a corpus.
    """
    for folder in folders:
        path = folder / "CORPUS.json"
        if path.is_file():
            return _checked_card(path)
    return {}


def _checked_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as fault:
        raise ValueError(f"{path} is no readable JSON ({fault}): make the corpus again") from fault
    if not isinstance(card, dict) or not isinstance(card.get("name"), str) or not card["name"].strip():
        raise ValueError(f"{path} does not name the corpus: it must be a mapping with a text called name")
    if "fps" in card and not (isinstance(card["fps"], (int, float)) and card["fps"] > 0):
        raise ValueError(f"fps in {path} is {card['fps']!r}: it must be a number above 0")
    size = card.get("frame_size", [1, 1])
    if not isinstance(size, list) or len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        raise ValueError(f"frame_size in {path} is {size!r}: it must be [width, height] in pixels")
    return card
