"""Which of two statements of one thing runs: the plain one, through FAISS or numpy, until the compiled one is ready.

Compiling takes many seconds the first time, loading what was compiled one: a server's first requests do not wait for that, and a
command that asks one question does without. Both give the same, to the bit.
"""

import importlib
from typing import Any

from hashsvc_index.memory import give_back_code

_COMPILER = "libllvmlite"


class Compiled:
    """A module of compiled functions, which is imported by `load` only."""

    def __init__(self, module: str) -> None:
        self._name = module
        self.module: Any = None
        """None as long as it is not loaded."""
        _KNOWN.append(self)

    def load(self) -> None:
        """Compile its functions, or load what was compiled before."""
        self.module = importlib.import_module(self._name)


_KNOWN: list[Compiled] = []


SCAN, NEAREST = Compiled("hashsvc_index.scan"), Compiled("hashsvc_index.nearest")


def load_all() -> None:
    """Load what every module that is imported by now has of its functions compiled. Those who search use it at once.

    Of the compiler itself, 70 MB of code, what was used is given back.
    """
    for one in _KNOWN:
        one.load()
    give_back_code(_COMPILER)
