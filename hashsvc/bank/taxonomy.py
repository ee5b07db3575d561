"""The taxonomy: which labels there are, under a version. One comes with hashsvc; the configuration may name another."""

import dataclasses
import tomllib
from collections.abc import Collection, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from hashsvc.bank.rules import check_labels, check_text
from hashsvc.errors import InvalidInputError

MAX_LABELS = 1000
"""In a taxonomy."""
MAX_VERSION = 64
MAX_TITLE = 256
_MAX_BYTES = 1 << 20
_SHIPPED = "taxonomy.toml"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What an entry may be called."""

    label: str
    """Identifier."""
    title: str
    """For people."""
    current: bool = True
    """Whether it may be given; one that is retired may stay where it is."""
    replaced_by: str = ""
    """For a retired label, the one to give in its place, if any."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """A set of labels."""

    version: str
    labels: tuple[Label, ...]

    @classmethod
    def load(cls, file: str = "") -> "Taxonomy":
        """From a TOML file, or the one that comes with hashsvc. Raises InvalidInputError CONFIG_INVALID."""
        path = Path(file) if file else resources.files(__package__) / _SHIPPED
        try:
            with path.open("rb") as opened:
                fields = tomllib.loads(opened.read(_MAX_BYTES).decode())
            return _taxonomy(fields)
        except KeyError as error:
            raise InvalidInputError("CONFIG_INVALID", f"taxonomy {path}: {error} is missing", path=path) from error
        except (OSError, ValueError, TypeError, InvalidInputError) as error:
            raise InvalidInputError("CONFIG_INVALID", f"taxonomy {path}: {error}", path=path) from error

    def check(self, labels: Sequence[str], kept: Collection[str] = ()) -> None:
        """Whether an entry that has the labels `kept` may have these.

        Raises InvalidInputError LABEL_UNKNOWN, LABEL_RETIRED for one that is neither current nor kept.
        """
        known = {one.label: one for one in self.labels}
        for label in labels:
            if label in kept:
                continue
            if label not in known:
                raise InvalidInputError(
                    "LABEL_UNKNOWN",
                    f"{label!r} is no label of the taxonomy {self.version}; `hashsvc labels` lists them",
                    label=label, version=self.version,
                )  # fmt: skip
            if not known[label].current:
                instead = known[label].replaced_by
                raise InvalidInputError(
                    "LABEL_RETIRED",
                    f"{label!r} is retired" + (f"; give {instead!r}" if instead else ""),
                    label=label, replaced_by=instead, version=self.version,
                )  # fmt: skip


def _taxonomy(fields: dict[str, Any]) -> Taxonomy:
    """Raises ValueError, TypeError, InvalidInputError."""
    taxonomy = Taxonomy(version=fields.pop("version"), labels=tuple(Label(**one) for one in fields.pop("labels")))
    if fields:
        raise ValueError(f"unknown setting {min(fields)!r}")
    _check_words("version", taxonomy.version, MAX_VERSION)
    if not 1 <= len(taxonomy.labels) <= MAX_LABELS:
        raise ValueError(f"{len(taxonomy.labels)} labels, not 1 to {MAX_LABELS}")
    names = [one.label for one in taxonomy.labels]
    for one in taxonomy.labels:
        _check_words("label", one.label)
        check_labels([one.label])
        _check_words("title", one.title, MAX_TITLE)
        if type(one.current) is not bool:
            raise ValueError(f"current of {one.label} is not true or false")
        if "," in one.label or names.count(one.label) > 1:
            raise ValueError(f"label {one.label!r} holds a comma, or is there twice")
        if one.replaced_by and (one.current or one.replaced_by not in names):
            raise ValueError(f"{one.label} is current, or replaced_by is no label: {one.replaced_by!r}")
    return taxonomy


def _check_words(field: str, words: object, most: int = MAX_TITLE) -> None:
    if not isinstance(words, str) or not words.strip():
        raise ValueError(f"{field} {words!r} is no text")
    check_text(field, words, most)
