"""The formats that partners read, by the name that `hashsvc export --format` takes."""

from collections.abc import Callable, Iterable, Iterator
from types import MappingProxyType
from typing import TypeAlias

from hashsvc.errors import InvalidInputError
from hashsvc.exchange import jsonl, local_file, vpdq
from hashsvc.exchange.model import ExportEntry

Exporter: TypeAlias = Callable[[Iterable[ExportEntry]], Iterator[str]]
"""Entries to lines without newlines, of ASCII; reads the entries as the lines are taken."""

FORMATS: MappingProxyType[str, Exporter] = MappingProxyType(
    {"vpdq": vpdq.export, "local-file": local_file.export, "jsonl": jsonl.export}
)


def exporter(name: str) -> Exporter:
    """The format called `name`, or InvalidInputError EXPORT_FORMAT_UNKNOWN."""
    try:
        return FORMATS[name]
    except KeyError:
        known = ", ".join(sorted(FORMATS))
        raise InvalidInputError(
            "EXPORT_FORMAT_UNKNOWN", f"no export format {name!r}; there are {known}", format=name
        ) from None
