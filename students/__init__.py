"""Networks that read skeletons and learn."""

from students.st_gcn import STGCN
from students.stgt import STGT

__all__ = ["STGCN", "STGT"]
