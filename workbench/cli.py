"""What every command does around its work: exit codes, one-sentence faults, plain output in pipes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

USER_FAULT = 2


def command(
    work: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser, words: Sequence[str] | None = None
) -> int:
    """Parse the command line, do the work, and return the exit code.

    0 on success, 2 when the user can mend it (the sentence goes to standard error, without a traceback). Anything
    else is a fault of ours and keeps its traceback; the interpreter then exits with 1.
    """
    arguments = parser.parse_intermixed_args(words)
    try:
        work(arguments)
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # the reader of our output has left
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return USER_FAULT
        print(f"{parser.prog}: {_sentence(error)}", file=sys.stderr)
        return USER_FAULT
    return 0


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}"
    return str(error)


def console() -> Console:
    """Where tables go: the terminal as it is, or 120 columns in a pipe or a file."""
    return Console() if sys.stdout.isatty() else Console(width=120, no_color=True)


def example_parser(description: str, example: str) -> argparse.ArgumentParser:
    """A parser whose help ends with an example."""
    return argparse.ArgumentParser(
        description=description, epilog=f"example:\n  {example}", formatter_class=argparse.RawDescriptionHelpFormatter
    )


def configured(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add what every command that takes a configuration takes."""
    parser.add_argument("config", help="YAML file, see configs/")
    parser.add_argument("words", nargs="*", metavar="key=value", help="override any key; data=NAME changes the corpus")
    parser.add_argument("--out", metavar="DIR", help="where run folders go (run.out)")
    parser.add_argument("--fresh", action="store_true", help="start over, reusing nothing but the corpus")
    return parser


def override_words(arguments: argparse.Namespace) -> list[str]:
    """The override words of a command line, ``--out`` among them."""
    return [*arguments.words, *([f"run.out={arguments.out}"] if arguments.out else [])]
