from __future__ import annotations

import argparse
import errno
import io
import subprocess
import sys
import textwrap

import pytest

from tests.workbench.running import ROOT
from workbench.cli import command, configured, console, example_parser, override_words
from workbench.config import ConfigError, Fault, load_config
from workbench.schema import DistillConfig


def parser() -> argparse.ArgumentParser:
    made = example_parser("Do it.", "python scripts/do.py x.yaml")
    made.prog = "do.py"
    return configured(made)


def run(error: BaseException | None, *words: str) -> int:
    def work(arguments: argparse.Namespace) -> None:
        if error is not None:
            raise error

    return command(work, parser(), ["x.yaml", *words])


def test_success_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(None) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("there is no corpus at x: give another root"), "there is no corpus at x: give another root"),
        (PermissionError(errno.EACCES, "Permission denied", "runs/a"), "runs/a: Permission denied"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "b"), "b: No such file or directory"),
        (OSError(errno.ENOSPC, "c could not be written: the disk is full"), "c could not be written: the disk is full"),
        (OSError("no number"), "no number"),
        (
            ConfigError([Fault(("a", "b"), "is missing", "x.yaml:3")], "x.yaml"),
            "x.yaml has 1 fault:\n  a.b (x.yaml:3): is missing",
        ),
    ],
)
def test_what_the_user_can_mend_is_2_and_a_sentence(
    error: Exception, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(error) == 2
    assert capsys.readouterr() == ("", f"do.py: {says}\n")


@pytest.mark.parametrize("error", [RuntimeError("ours"), AssertionError("ours"), KeyError("ours"), TypeError("ours")])
def test_our_own_failure_is_raised_with_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error), match="ours"):
        run(error)


def test_our_own_failure_is_1_with_a_traceback_in_a_process() -> None:
    script = "import sys; from workbench.cli import *; sys.exit(command(lambda _: 1 / 0, example_parser('d', 'e'), []))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "ZeroDivisionError" in done.stderr


def test_an_interruption_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "do.py: interrupted; the same command continues from what was saved last\n"


def test_a_request_to_end_keeps_its_exit_code() -> None:
    with pytest.raises(SystemExit) as caught:
        run(SystemExit(143))
    assert caught.value.code == 143


def test_an_unknown_option_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(None, "--frsh")
    assert caught.value.code == 2
    assert "unrecognized arguments: --frsh" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_reader_that_leaves_is_no_failure_of_ours() -> None:
    script = textwrap.dedent(
        """
        import sys
        from workbench.cli import command, example_parser

        def work(arguments):
            for _ in range(100_000):
                print("line")

        sys.exit(command(work, example_parser("d", "e"), []))
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "line\n"
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert process.wait() == 2


def test_words_may_stand_before_and_after_options() -> None:
    arguments = parser().parse_intermixed_args(["x.yaml", "a=1", "--fresh", "b=2", "--out", "runs"])
    assert arguments.words == ["a=1", "b=2"]
    assert arguments.fresh
    assert override_words(arguments) == ["a=1", "b=2", 'run.out="runs"']


@pytest.mark.parametrize("folder", ["1", "a: b", "null", "[x]", "C:\\runs", "ä ö"])
def test_an_output_folder_is_text_whatever_it_looks_like(folder: str) -> None:
    arguments = parser().parse_intermixed_args(["x.yaml", "--out", folder])
    config = load_config(ROOT / "configs" / "stsg_to_stgt.yaml", override_words(arguments), schema=DistillConfig)
    assert config.run.out == folder


def test_help_ends_with_an_example() -> None:
    assert parser().format_help().rstrip().endswith("example:\n  python scripts/do.py x.yaml")


def test_output_in_a_pipe_is_wide_and_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    shown = console()
    shown.print("[bold red]word[/] " * 30)
    assert shown.width == 120
    assert "\x1b" not in out.getvalue()
