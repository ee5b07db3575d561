"""What a workload found, as Markdown for people and as JSON for programs."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Figures, tables, and what was required and not reached."""

    name: str
    figures: Row
    """Single numbers, by name with unit."""
    tables: Mapping[str, Sequence[Row]]
    """Rows with the same keys, by heading."""
    shortfalls: Sequence[str]
    """A sentence for each requirement that was not met; none when all were."""

    def markdown(self) -> str:
        """A heading, the figures, the tables and the shortfalls."""
        parts = [f"## {self.name}", _table([{"figure": name, "value": value} for name, value in self.figures.items()])]
        for heading, rows in self.tables.items():
            parts += [f"### {heading}", _table(rows) if rows else "None."]
        parts += ["### Not met", "\n".join(f"- {one}" for one in self.shortfalls) or "Nothing."]
        return "\n\n".join(parts) + "\n"

    def json(self) -> str:
        """One object on one line."""
        return json.dumps({"workload": self.name, **{key: getattr(self, key) for key in _FIELDS}}, default=str)


_FIELDS = ("figures", "tables", "shortfalls")


def _table(rows: Sequence[Row]) -> str:
    names = list(rows[0])
    cells = [[_cell(row[name]) for name in names] for row in rows]
    widths = [max(len(name), *(len(row[place]) for row in cells)) for place, name in enumerate(names)]
    lines = [names, ["-" * width for width in widths], *cells]
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3f}" if isinstance(value, float) else str(value).replace("|", "\\|")
