"""``scripts/prepare.py table``, ``landmarks``, ``poses`` and ``wlasl``: clips that a table labels, a file for each."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from slr.data.isolated import WLASL, ClipSource, LabelTable, StoreSpec, TableFolder, read_classes

AddCorpus = Callable[..., ArgumentParser]
# What the kinds of files are, where nothing else is said.
_OWN = {"channels": "x,y,score", "units": "pixels"}
_LANDMARKS = {"layout": "mediapipe-holistic-543", "channels": "x,y,z", "units": "frame"}
_POSES = {"layout": "sign-27", "channels": "x,y,score", "units": "pixels"}


def add_own_clips(commands: Any, add_corpus: AddCorpus) -> None:
    """Add the verbs for anybody's own clips; ``add_corpus`` makes a verb."""
    _add_table(commands, add_corpus, "table", "clips of your own: a table and .npy, .npz, .csv files", _OWN)
    _add_table(commands, add_corpus, "landmarks", "MediaPipe landmarks (.parquet, .npz) with a label table", _LANDMARKS)
    _add_table(commands, add_corpus, "poses", "a folder of .pose files with a label table", _POSES)


def _add_table(commands: Any, add_corpus: AddCorpus, name: str, about: str, usual: dict[str, str]) -> None:
    parser = add_corpus(commands, name, about, partial(_open_table, name=name))
    parser.add_argument("table", type=Path, help="a row per clip: clip, label, and perhaps signer, split")
    parser.add_argument("--files", type=Path, metavar="DIR", help="where the clips lie (default: beside the table)")
    parser.add_argument("--classes", type=Path, metavar="FILE", help="names of the classes (default: those that occur)")
    parser.add_argument("--columns", nargs="*", type=_column, default=[], metavar="WHAT=NAME", help="as label=word")
    parser.add_argument(
        "--layout", default=usual.get("layout"), required="layout" not in usual,
        help="joints, a name or a .yaml file" + (" (default: %(default)s)" if "layout" in usual else ""),
    )  # fmt: skip
    parser.add_argument("--channels", default=usual["channels"], help="of a joint (default: %(default)s)")
    parser.add_argument(
        "--units", choices=("pixels", "frame", "metres"), default=usual["units"], help="default: %(default)s"
    )
    parser.add_argument("--persons", type=int, default=1, help="bodies in a clip (default: %(default)s)")
    parser.add_argument("--fps", type=float, help="frames per second, where that is known")
    parser.add_argument("--frame-size", nargs=2, type=int, metavar=("WIDTH", "HEIGHT"), help="in pixels, if known")
    parser.add_argument("--name", help="what results call the corpus (default: the name of the table)")
    parser.add_argument("--incomplete", action="store_true", help="leave out clips that have no file")


def _column(word: str) -> tuple[str, str]:
    what, equals, name = word.partition("=")
    if not equals:
        raise ArgumentTypeError(f"{word!r} is not WHAT=NAME")
    return what, name


def _open_table(asked: Namespace, name: str) -> ClipSource:
    classes = read_classes(asked.classes) if asked.classes else ()
    table = LabelTable.read(asked.table, dict(asked.columns), classes)
    spec = StoreSpec(
        name=asked.name or asked.table.stem,
        layout=asked.layout,
        channels=tuple(asked.channels.split(",")),
        classes=table.classes,
        units=asked.units,
        persons=asked.persons,
        fps=asked.fps,
        frame_size=tuple(asked.frame_size) if asked.frame_size else (1, 1) if asked.units == "frame" else None,
        source=f"{asked.table.name}, read by prepare.py {name}",
    )
    return TableFolder(table, asked.files or asked.table.parent, spec, complete=not asked.incomplete)


def add_wlasl(commands: Any, add_corpus: AddCorpus) -> None:
    """Add the verb for WLASL's annotations; ``add_corpus`` makes a verb."""
    parser = add_corpus(commands, "wlasl", "keypoints of WLASL videos with its annotations", _open_wlasl)
    parser.add_argument("annotations", type=Path, help="nslt_100.json, nslt_300.json, nslt_1000.json, nslt_2000.json")
    parser.add_argument("--files", type=Path, required=True, metavar="DIR", help="VIDEO.pose, or .npz, .parquet, .csv")
    parser.add_argument("--classes", type=Path, metavar="FILE", help="wlasl_class_list.txt (default: numbers)")
    parser.add_argument("--layout", default=_POSES["layout"], help="joints to keep (default: %(default)s)")
    parser.add_argument("--channels", default=_POSES["channels"], help="of a joint (default: %(default)s)")
    parser.add_argument("--units", choices=("pixels", "frame"), default=_POSES["units"], help="default: %(default)s")
    parser.add_argument("--incomplete", action="store_true", help="take what there is of the videos")


def _open_wlasl(asked: Namespace) -> ClipSource:
    return WLASL(
        asked.annotations,
        asked.files,
        classes=read_classes(asked.classes) if asked.classes else (),
        layout=asked.layout,
        channels=tuple(asked.channels.split(",")),
        units=asked.units,
        complete=not asked.incomplete,
    )
