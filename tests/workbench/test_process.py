import ctypes
import platform
import subprocess
import sys

import pytest
import torch

from workbench import process
from workbench.process import keep_freed_memory, settle_process

# Pages that the system maps while 32 MB are allocated and freed again and again.
FAULTS = """
import resource, sys, torch
from workbench.process import keep_freed_memory
torch.set_num_threads(1)
if sys.argv[1] == "kept":
    assert keep_freed_memory()
for _ in range(10):
    torch.ones(1 << 23)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(1 << 23)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library can be asked to keep memory")
def test_freed_memory_is_used_again_without_mapping_it_anew():
    def faults(how: str) -> int:
        return int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, check=True).stdout)

    given_back, kept = faults("given back"), faults("kept")
    assert kept < 100 < given_back  # 32 MB have 8192 pages of 4 kB, or 16 of 2 MB


def test_another_c_library_is_left_as_it_is(monkeypatch):
    class WithoutMallopt:
        pass

    monkeypatch.setattr(ctypes, "CDLL", lambda name: WithoutMallopt())
    assert not keep_freed_memory()


def test_threads_are_set_when_they_are_named(monkeypatch):
    monkeypatch.setattr(process, "keep_freed_memory", lambda: True)
    before = torch.get_num_threads()
    try:
        settle_process(None)
        assert torch.get_num_threads() == before
        settle_process(1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
