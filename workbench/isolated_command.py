"""``scripts/prepare.py CORPUS`` for corpora of isolated clips: a verb for each, and the store that it makes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from slr.data.isolated import DSTA, NTU, NWUCLA, WLASL50, ClipSource, Kinetics, NTUArchive, Pyskl, read_classes
from slr.data.isolated.readers.dsta import SETS
from workbench.isolated.prepare import Storing, prepare_store
from workbench.progress import make_progress
from workbench.table_command import add_own_clips, add_wlasl


def add_isolated_corpora(commands: Any) -> None:
    """Add the commands to the subcommands of a parser."""
    for add in (_nw_ucla, _ntu, _kinetics, _pyskl, _dsta, _wlasl50):
        add(commands)
    add_wlasl(commands, add_corpus)
    add_own_clips(commands, add_corpus)


def add_corpus(
    commands: Any,
    name: str,
    about: str,
    open_source: Callable[[Namespace], ClipSource],
    *,
    non_finite: str = "refuse",
) -> ArgumentParser:
    """A verb that makes a store, with the options that all of them have."""
    parser = commands.add_parser(name, help=about, description=f"Store {about}, for configurations to read by index.")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("data") / name, help="the store to make (default: %(default)s)"
    )
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float32", help="default: %(default)s")
    parser.add_argument(
        "--non-finite", choices=("refuse", "missing"), default=non_finite,
        help="what a NaN or an infinity is: a fault, or a missing joint (default: %(default)s)",
    )  # fmt: skip
    parser.set_defaults(work=partial(_work, open_source=open_source))
    return parser


def _work(asked: Namespace, open_source: Callable[[Namespace], ClipSource]) -> None:
    """Make the store, and print its folder last."""
    storing = Storing(asked.out, asked.dtype, asked.non_finite)
    print(prepare_store(storing, lambda: open_source(asked), make_progress()))


def _nw_ucla(commands: Any) -> None:
    parser = add_corpus(commands, "nw-ucla", "NW-UCLA skeletons, one JSON file per clip", _open_nw_ucla)
    parser.add_argument("source", type=Path, help="folder of aXX_sXX_eXX_vXX.json, or all_sqe.tar.xz or .zip")
    parser.add_argument("--incomplete", action="store_true", help="take what there is of the 1484 clips")


def _open_nw_ucla(asked: Namespace) -> ClipSource:
    return NWUCLA(asked.source, complete=not asked.incomplete)


def _wlasl50(commands: Any) -> None:
    parser = add_corpus(commands, "wlasl50", "keypoints of 50 WLASL glosses", lambda asked: WLASL50(asked.source))
    parser.add_argument("source", type=Path, help="wlasl50_real.npz")


def _ntu(commands: Any) -> None:
    for variant in ("60", "120"):
        about = f"NTU RGB+D {variant} skeletons"
        parser = add_corpus(commands, f"ntu{variant}", about, partial(_open_ntu, variant=variant))
        parser.add_argument(
            "source", type=Path, help=f"folder or zip of .skeleton files; or NTU{variant}_*.npz of CTR-GCN's scripts"
        )
        parser.add_argument("--names", type=Path, metavar="FILE", help="names of the clips to read (default: all)")
        parser.add_argument("--without", type=Path, metavar="FILE", help="names of clips that have no skeletons")
        parser.add_argument("--incomplete", action="store_true", help="take what clips there are")
        parser.add_argument(
            "--returning", choices=("keep", "slide"), default="keep",
            help="a body that vanishes returns when it did, or at once as in the published scripts (default: keep)",
        )  # fmt: skip
        parser.add_argument(
            "--second", choices=("zeros", "copy"),
            help="what a missing second person is (default: zeros for 60, a copy of the first for 120)",
        )  # fmt: skip
        parser.add_argument("--workers", type=int, default=1, help="processes that read (default: %(default)s)")


def _open_ntu(asked: Namespace, variant: str) -> ClipSource:
    if asked.source.suffix == ".npz":
        return NTUArchive(asked.source)
    return NTU(
        asked.source,
        variant,
        names=asked.names,
        without=asked.without,
        complete=not asked.incomplete,
        returning=asked.returning,
        second=asked.second,
        workers=asked.workers,
    )


def _kinetics(commands: Any) -> None:
    parser = add_corpus(commands, "kinetics", "the Kinetics skeletons of ST-GCN", _open_kinetics)
    parser.add_argument("source", type=Path, help="folder of kinetics_train, kinetics_val and their *_label.json")
    parser.add_argument("--persons", type=int, default=2, help="bodies to keep of a frame (default: %(default)s)")


def _open_kinetics(asked: Namespace) -> ClipSource:
    return Kinetics(asked.source, persons=asked.persons)


def _pyskl(commands: Any) -> None:
    parser = add_corpus(commands, "pyskl", "an annotation pickle of pyskl", _open_pyskl)
    parser.add_argument("source", type=Path, help="such as ntu60_3danno.pkl or ntu60_hrnet.pkl")
    parser.add_argument("--persons", type=int, default=2, help="bodies to keep of a clip (default: %(default)s)")
    parser.add_argument("--layout", help="the joints (default: by their number)")
    parser.add_argument("--classes", type=Path, metavar="FILE", help="names of the classes (default: their numbers)")
    parser.add_argument("--name", help="of the corpus (default: that of the file)")


def _open_pyskl(asked: Namespace) -> ClipSource:
    return Pyskl(asked.source, persons=asked.persons, layout=asked.layout, classes=class_names(asked), name=asked.name)


def _dsta(commands: Any) -> None:
    # MSASL's files have infinities, which the published feeder sets to 0.
    parser = add_corpus(commands, "dsta", "keypoints in the files of DSTA-SLR", _open_dsta, non_finite="missing")
    parser.add_argument("source", type=Path, help="folder of PART_data_joint.npy and PART_label.pkl")
    parser.add_argument("--set", required=True, metavar="NAME", help=f"{', '.join(SETS)}, or a set of your own")
    parser.add_argument("--classes", type=Path, metavar="FILE", help="names of the classes (default: their numbers)")


def _open_dsta(asked: Namespace) -> ClipSource:
    return DSTA(asked.source, asked.set, classes=class_names(asked))


def class_names(asked: Namespace) -> tuple[str, ...]:
    """The classes that an option names."""
    return read_classes(asked.classes) if asked.classes else ()
