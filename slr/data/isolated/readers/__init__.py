"""Corpora of isolated clips as they are distributed, read clip by clip; one file each."""

from slr.data.isolated.readers.ntu import NTU
from slr.data.isolated.readers.ntu_npz import NTUArchive
from slr.data.isolated.readers.nw_ucla import NWUCLA
from slr.data.isolated.readers.wlasl50 import WLASL50

__all__ = ["NTU", "NWUCLA", "WLASL50", "NTUArchive"]
