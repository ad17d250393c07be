from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from workbench.interrupts import Interrupted, TerminationRequest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM")


def test_sigterm_raises_a_flag_within_the_block_only() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with TerminationRequest() as request:
        assert not request.received
        os.kill(os.getpid(), signal.SIGTERM)
        assert request.received
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_thread_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[bool] = []

    def work() -> None:
        with TerminationRequest() as request:
            seen.append(signal.getsignal(signal.SIGTERM) == before and not request.received)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]


def test_a_worker_process_ends_on_sigterm_as_it_would_without_us() -> None:
    code = """
import os, signal, time
from workbench.interrupts import TerminationRequest
ready, begun = os.pipe()
with TerminationRequest() as request:
    worker = os.fork()
    if worker == 0:
        os.write(begun, b"x")  # a signal before this could get lost in the fork itself
        time.sleep(20)
        os._exit(0)
    os.read(ready, 1)
    os.kill(worker, signal.SIGTERM)
    print(os.WTERMSIG(os.waitpid(worker, 0)[1]), request.received)
"""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=25, cwd=root
    )
    assert done.stdout.split() == [str(int(signal.SIGTERM)), "False"]


def test_the_exit_code_is_the_usual_one_of_the_signal() -> None:
    assert Interrupted(signal.SIGTERM).code == 143
