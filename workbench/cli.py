"""What every command does around its work: exit codes, one-sentence faults, plain output in pipes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

USER_FAULT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count


def command(
    work: Callable[[argparse.Namespace], None],
    parser: argparse.ArgumentParser,
    words: Sequence[str] | None = None,
    *,
    subcommands: bool = False,
) -> int:
    """Parse the command line, do the work, and return the exit code.

    Options may stand between the words, except where there are ``subcommands``, which argparse cannot mix.

    0 on success, 2 when the user can mend it (the sentence goes to standard error, without a traceback), 130 after
    Ctrl-C. Anything else is a fault of ours and keeps its traceback; the interpreter then exits with 1.
    """
    arguments = parser.parse_args(words) if subcommands else parser.parse_intermixed_args(words)
    try:
        work(arguments)
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # the reader of our output has left
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return USER_FAULT
        print(f"{parser.prog}: {_sentence(error)}", file=sys.stderr)
        return USER_FAULT
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted; the same command continues from what was saved last", file=sys.stderr)
        return INTERRUPTED
    return 0


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
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
    parser.add_argument("--fresh", action="store_true", help="train every network again, even finished ones")
    return parser


def override_words(arguments: argparse.Namespace) -> list[str]:
    """The override words of a command line, ``--out`` among them."""
    # As JSON, because words are read as YAML: a folder may be called 1 or have a colon in its name.
    return [*arguments.words, *([f"run.out={json.dumps(arguments.out)}"] if arguments.out else [])]
