"""Corpora of isolated clips as they are distributed, read clip by clip; one file each."""

from slr.data.isolated.readers.class_names import read_classes
from slr.data.isolated.readers.dsta import DSTA
from slr.data.isolated.readers.kinetics import Kinetics
from slr.data.isolated.readers.ntu import NTU
from slr.data.isolated.readers.ntu_npz import NTUArchive
from slr.data.isolated.readers.nw_ucla import NWUCLA
from slr.data.isolated.readers.pyskl import Pyskl
from slr.data.isolated.readers.table import LabelTable
from slr.data.isolated.readers.table_folder import TableFolder
from slr.data.isolated.readers.wlasl import WLASL
from slr.data.isolated.readers.wlasl50 import WLASL50

__all__ = [
    "DSTA",
    "NTU",
    "NWUCLA",
    "WLASL",
    "WLASL50",
    "Kinetics",
    "LabelTable",
    "NTUArchive",
    "Pyskl",
    "TableFolder",
    "read_classes",
]
