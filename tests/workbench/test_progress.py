from __future__ import annotations

import io
import re

from rich.console import Console

from workbench.progress import NoProgress, PlainProgress, Progress, TerminalProgress, make_progress


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def use(progress: Progress) -> None:
    with progress.bar("student [tiny]  epoch 1/2", 4, done=1) as bar:
        for _ in range(3):
            bar.advance("loss [0.5]")
    progress.line("student  epoch 1/2  loss 0.500")
    progress.warn("it does not learn")


def test_a_log_gets_plain_lines_only() -> None:
    stream = io.StringIO()
    use(make_progress(stream))
    assert stream.getvalue() == "student  epoch 1/2  loss 0.500\nWARNING: it does not learn\n"


def test_long_work_speaks_now_and_then_in_a_log() -> None:
    stream = io.StringIO()
    use(PlainProgress(stream, every=0))
    lines = stream.getvalue().splitlines()
    # The last part is not announced: the line that concludes the work follows at once.
    assert lines[:2] == ["student [tiny]  epoch 1/2: 2/4  loss [0.5]", "student [tiny]  epoch 1/2: 3/4  loss [0.5]"]
    assert lines[2].startswith("student  epoch 1/2  loss")


def test_a_terminal_gets_a_bar_that_leaves_only_the_lines() -> None:
    stream = FakeTerminal()
    console = Console(file=stream, force_terminal=True, width=100, highlight=False, soft_wrap=True)
    use(TerminalProgress(console))
    drawn = stream.getvalue()
    assert "4/4" in drawn
    assert "student [tiny]  epoch 1/2" in drawn
    assert "loss [0.5]" in drawn
    # What stays is what is printed after the last erased line.
    kept = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn[drawn.rindex("\x1b[2K") :])
    assert kept.strip().splitlines() == ["student  epoch 1/2  loss 0.500", "WARNING: it does not learn"]


def test_work_within_work_shows_one_bar() -> None:
    stream = FakeTerminal()
    progress = TerminalProgress(Console(file=stream, force_terminal=True, width=100))
    with progress.bar("outer", 2) as outer, progress.bar("inner", 2) as inner:
        inner.advance()
        outer.advance()
    assert "outer" in stream.getvalue()
    assert "inner" not in stream.getvalue()
    with progress.bar("later", 1) as later:
        later.advance()
    assert "later" in stream.getvalue()


def test_a_long_line_is_not_cut_on_a_terminal() -> None:
    stream = FakeTerminal()
    console = Console(file=stream, force_terminal=True, width=40, highlight=False, soft_wrap=True)
    text = "word " * 30
    TerminalProgress(console).line(text.strip())
    assert text.strip() in stream.getvalue()


def test_the_kind_of_stream_decides(monkeypatch: object) -> None:
    assert isinstance(make_progress(io.StringIO()), PlainProgress)


def test_nobody_needs_to_listen() -> None:
    use(NoProgress())
