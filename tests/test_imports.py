"""Imports go one way, and what is imported is what is installed."""

from __future__ import annotations

import ast
import configparser
import fnmatch
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from setuptools import find_packages

ROOT = Path(__file__).resolve().parent.parent
OURS = ("slr", "kd", "teachers", "students", "workbench", "scripts", "tests", "benchmarks", "experiments")

# package -> the other packages of ours that it may import
MAY_IMPORT = {
    "slr": set(),
    "kd": {"slr"},
    "teachers": {"slr"},
    "students": {"slr"},
    "workbench": {"slr", "kd"},
    "scripts": {"slr", "workbench"},
    # What is fast is measured beside the slow derivation that the tests hold it to.
    "benchmarks": {"slr", "kd", "teachers", "students", "workbench", "tests"},
}  # fmt: skip
# room of the workbench -> its other rooms that it may import; modules beside the rooms know them all
ROOMS = {
    "workbench/analysis": {"study"},
    "workbench/figures": {"analysis"},
    "workbench/report": {"analysis"},
}  # fmt: skip
# slr.scoring reads no network outputs, so that scripts/wer.py starts at once.
HEAVY = {"torch", "torchvision", "pytorch_metric_learning", "safetensors"}


def modules(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names that a file imports, wherever in it, with their lines; relative ones are made absolute."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            yield ".".join([*above, *([node.module] if node.module else [])]), node.lineno


def offences(package: str, allowed: set[str]) -> list[str]:
    found = []
    for path in modules(package):
        for name, line in imported(path):
            top = name.partition(".")[0]
            if top in OURS and top != package and top not in allowed:
                found.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    return sorted(found)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_go_one_way(package: str) -> None:
    assert len(modules(package)) > 0
    assert offences(package, MAY_IMPORT[package]) == []


@pytest.mark.parametrize("room", ROOMS)
def test_what_is_shown_is_found_first_and_shown_in_two_ways(room: str) -> None:
    rooms = {path.name for path in (ROOT / "workbench").iterdir() if path.is_dir()}
    mine, named = Path(room).name, [(path, name.split(".")) for path in modules(room) for name, _ in imported(path)]
    wrong = rooms - ROOMS[room] - {mine}
    assert len(named) > 10
    assert [(path.name, name) for path, name in named if name[0] == "workbench" and wrong.intersection(name[1:2])] == []


def test_the_rule_would_notice_an_offence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kd" / "losses").mkdir(parents=True)
    (tmp_path / "kd" / "losses" / "bad.py").write_text(
        "def f():\n    from students.stgt import STGT\nfrom ..cache import x\nimport slr.types, tests.nets\n"
    )
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert offences("kd", {"slr"}) == [
        "kd/losses/bad.py:2 imports students.stgt",
        "kd/losses/bad.py:4 imports tests.nets",
    ]
    assert ("kd.cache", 3) in set(imported(tmp_path / "kd" / "losses" / "bad.py"))


def test_enough_modules_were_read() -> None:
    assert sum(len(modules(package)) for package in MAY_IMPORT) > 100


def test_scoring_names_nothing_heavy() -> None:
    paths = [
        *modules("slr/scoring"),
        ROOT / "scripts" / "wer.py",
        ROOT / "slr" / "__init__.py",
        ROOT / "slr" / "files.py",
    ]
    assert len(paths) > 10
    assert [(path.name, name) for path in paths for name, _ in imported(path) if name.partition(".")[0] in HEAVY] == []


def test_scoring_starts_without_torch() -> None:
    script = f"import slr.scoring, sys; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_package_is_installed() -> None:
    include = setup_cfg()["options.packages.find"]["include"].split()
    found = set(find_packages(str(ROOT), include=include))
    wanted = {
        ".".join(path.relative_to(ROOT).parent.parts)
        for package in ("slr", "kd", "teachers", "students", "workbench")
        for path in modules(package)
    }
    assert len(wanted) >= 10
    # A folder without __init__.py would be left out, too.
    assert found == wanted


def test_every_file_that_code_reads_is_installed() -> None:
    patterns = {package: patterns.split() for package, patterns in setup_cfg()["options.package_data"].items()}
    data = [
        path.relative_to(ROOT)
        for package in ("slr", "kd", "teachers", "students", "workbench")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts
    ]
    assert len(data) > 5
    for path in data:
        inside = "/".join(path.parts[1:])
        assert any(fnmatch.fnmatch(inside, pattern) for pattern in patterns.get(path.parts[0], ())), path
