"""References held in memory."""

import threading
from concurrent.futures import ThreadPoolExecutor

from hashsvc.bank.references import References
from hashsvc.fingerprint.model import Fingerprint
from tests.match.synthetic import a_reference

MADE = {number: a_reference(number, seconds=2.0) for number in range(6)}
SIZE = MADE[0].hashes.nbytes


class Loader:
    """Counts what is asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, number: int) -> Fingerprint:
        self.asked.append(number)
        return MADE[number]


def test_loaded_once() -> None:
    """What is held is not loaded again."""
    loader = Loader()
    references = References(loader, 10 * SIZE)
    for number in (1, 2, 1, 2, 1):
        assert references.get(number) is MADE[number]
    assert loader.asked == [1, 2]


def test_the_longest_unused_goes_first() -> None:
    """With room for three, the fourth takes the place of the one that was not asked for."""
    loader = Loader()
    references = References(loader, 3 * SIZE)
    for number in (0, 1, 2, 0, 3, 0, 2, 1):
        references.get(number)
    assert loader.asked == [0, 1, 2, 3, 1]


def test_one_larger_than_everything_is_still_given() -> None:
    """Without room for any, each is loaded whenever it is not the last one."""
    loader = Loader()
    references = References(loader, 1)
    for number in (0, 0, 1, 0):
        assert references.get(number) is MADE[number]
    assert loader.asked == [0, 1, 0]


def test_many_threads() -> None:
    """Eight threads that ask at once get what they asked for, and the bound holds."""
    loader = Loader()
    references = References(loader, 3 * SIZE)
    together = threading.Barrier(8)

    def ask(seed: int) -> bool:
        together.wait(10)
        return all(references.get((seed * step) % 6) is MADE[(seed * step) % 6] for step in range(500))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(1, 9)))
    assert references._bytes == sum(one.hashes.nbytes for one in references._held.values()) <= 3 * SIZE
