"""Formats by name."""

from collections.abc import Iterator

import pytest

from hashsvc.errors import InvalidInputError
from hashsvc.exchange.formats import FORMATS, exporter
from hashsvc.exchange.model import ExportEntry

from .conftest import Maker


def test_the_names_partners_are_told() -> None:
    """The command line and the API promise these three."""
    assert set(FORMATS) == {"vpdq", "local-file", "jsonl"}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_lines_are_given_as_entries_are_read(name: str, maker: Maker) -> None:
    """A bank of any size is exported in the memory of one entry: nothing is read ahead."""
    read: list[int] = []

    def entries() -> Iterator[ExportEntry]:
        for seed in range(3):
            read.append(seed)
            yield maker(seed)

    lines = exporter(name)(entries())
    assert read == []
    assert next(lines)
    assert read == [0]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_an_empty_bank(name: str) -> None:
    """No entries, no lines."""
    assert list(exporter(name)([])) == []


def test_an_unknown_format() -> None:
    """Another name is an error that says which there are."""
    with pytest.raises(InvalidInputError, match="jsonl, local-file, vpdq") as caught:
        exporter("csv")
    assert caught.value.reason == "EXPORT_FORMAT_UNKNOWN"
    assert caught.value.metadata == {"format": "csv"}
