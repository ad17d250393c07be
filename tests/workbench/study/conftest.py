from __future__ import annotations

from tests.workbench.isolated.conftest import run, store

__all__ = ["run", "store"]
