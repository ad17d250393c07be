"""NIST sclite, the program itself: what it makes of the same sentences."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

DEBIAN = Path("/usr/lib/sctk/bin/sclite")  # Debian and Ubuntu install it off the search path


def program() -> str:
    """Where it is; skips the test where it is not."""
    found = shutil.which("sclite") or (str(DEBIAN) if DEBIAN.exists() else None)
    if found is None:
        pytest.skip("sclite of NIST's SCTK is not installed: apt-get install sctk")
    return found


def errors_of(pairs: Sequence[tuple[Sequence[str], Sequence[str]]], folder: Path) -> list[str]:
    """The errors of every (reference, hypothesis) pair as letters, from an STM and a CTM file of its own making."""
    stm = [f"clip{index:06d} 1 anna 0.0 1.79769e+308 {' '.join(pair[0])}\n" for index, pair in enumerate(pairs)]
    ctm = [
        f"clip{index:06d} 1 {0.1 * place:.2f} 0.09 {gloss}\n"
        for index, pair in enumerate(pairs)
        for place, gloss in enumerate(pair[1])
    ]
    (folder / "ref.stm").write_text("".join(stm), encoding="utf-8")
    (folder / "hyp.ctm").write_text("".join(ctm), encoding="utf-8")
    found = errors_of_files(folder / "ref.stm", folder / "hyp.ctm")
    return [found[f"clip{index:06d}"] for index in range(len(pairs))]


def errors_of_files(stm: Path, ctm: Path) -> dict[str, str]:
    """The errors of every clip as letters, by its name in small letters."""
    command = [program(), "-r", str(stm), "stm", "-h", str(ctm), "ctm", "-f", "0", "-o", "pralign", "stdout"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=True)
    return errors_by_utterance(done.stdout, r"File: (\S+)")


def errors_by_utterance(listing: str, name: str) -> dict[str, str]:
    """Read sclite's alignment listing; ``name`` finds the line that names an utterance."""
    found: dict[str, str] = {}
    current = ""
    for line in listing.splitlines():
        if match := re.match(name, line):
            current = match.group(1)
            found[current] = ""
        elif line.startswith("Eval:"):
            found[current] += "".join(line[5:].split())
    return found
