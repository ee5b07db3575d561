"""Memory that is given back."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import re
from pathlib import Path
from hashsvc_index import compilation
from hashsvc_index.memory import give_back_code
import numpy as np

def resident():
    found = 0
    for part in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text()):
        if "libllvmlite" in part.partition("\\n")[0]:
            found += int(re.search(r"Rss: +([0-9]+) kB", part)[1])
    return found

from hashsvc_index import scan
before = resident()
compilation.load_all()
after = resident()
give_back_code("no such library")
from numba import njit, types
words = np.arange(12, dtype=np.uint64).reshape(3, 4)
found = scan.near(words, np.zeros(1, np.int64), np.array([[3]]), np.zeros((1, 1), np.int64), np.zeros(1, np.uint8), words[:1], 0)
print(before, after, found[1].tolist(), njit((types.int64,))(lambda n: n + 1)(41))
"""


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the system does not tell what is mapped")
def test_the_compiler_is_given_back() -> None:
    """Tens of megabytes of it, once everything is loaded; what was compiled runs, and more can be compiled."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    before, after, *rest = done.stdout.split()
    assert int(before) > 20_000
    assert int(after) < int(before) / 3
    assert rest == ["[0]", "42"]
