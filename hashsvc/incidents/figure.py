"""The hourly counts of an incident as a picture: stacked bars, SVG 1.1, no script and nothing from elsewhere."""

import datetime
import math
from collections.abc import Iterator
from xml.sax.saxutils import escape

from hashsvc.bank.incident import Counts, Hour, Incident

_WIDTH, _HEIGHT = 960, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 64, 48
_STACK = (("blocked", "#b2182b"), ("reviewed", "#f4a582"), ("let_through", "#878787"))
"""From the axis upwards."""
_NAMES = {"blocked": "blocked", "reviewed": "to review", "let_through": "let through, found later"}
_MOST_LABELS, _LABEL_STEPS = 12, (1, 2, 3, 6, 12, 24, 48, 96, 168, 336)


def figure(incident: Incident, counts: Counts) -> str:
    """A bar for each hour, UTC; a day of none is a gap in them."""
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f"<title>Uploads of incident {escape(incident.incident)} by hour</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 22, f"{incident.incident}: uploads by hour, UTC", size=15),
        *_legend(),
    ]
    if counts.hours:
        lines += [*_axis(_nice(max(map(_total, counts.hours)))), *_bars(counts.hours), *_labels(counts.hours)]
    else:
        lines.append(_text(_WIDTH / 2, _HEIGHT / 2, "no uploads counted", anchor="middle"))
    return "\n".join([*lines, "</svg>", ""])


def _total(hour: Hour) -> int:
    return hour.blocked + hour.reviewed + hour.let_through


def _nice(most: int) -> int:
    """Where the axis ends: `most` or the next 1, 2 or 5 times a power of ten, but no less than 5."""
    power = int(10 ** math.floor(math.log10(max(most, 5))))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= most and step * power >= 5)


def _legend() -> Iterator[str]:
    left = float(_LEFT)
    for name, colour in _STACK:
        yield f'<rect x="{left:g}" y="34" width="12" height="12" fill="{colour}"/>'
        yield _text(left + 17, 45, _NAMES[name])
        left += 40 + 7 * len(_NAMES[name])


def _axis(most: int) -> Iterator[str]:
    for part in range(6):
        y = _y(most * part / 5, most)
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
        yield _text(_LEFT - 8, y + 4, f"{most * part / 5:g}", anchor="end")


def _bars(hours: tuple[Hour, ...]) -> Iterator[str]:
    most, step = _nice(max(map(_total, hours))), _step(hours)
    for place, hour in enumerate(hours):
        below = 0
        for name, colour in _STACK:
            count = getattr(hour, name)
            if count:
                top, bottom = _y(below + count, most), _y(below, most)
                yield (
                    f'<rect x="{_LEFT + place * step:.2f}" y="{top:.2f}" width="{step * 0.9:.2f}" '
                    f'height="{bottom - top:.2f}" fill="{colour}"><title>{_hour(hour.start)}: {count} {_NAMES[name]}'
                    "</title></rect>"
                )
                below += count


def _labels(hours: tuple[Hour, ...]) -> Iterator[str]:
    every = next((one for one in _LABEL_STEPS if len(hours) <= one * _MOST_LABELS), _LABEL_STEPS[-1])
    for place in range(0, len(hours), every):
        x, moment = _LEFT + (place + 0.45) * _step(hours), hours[place].start
        yield _text(x, _HEIGHT - _BOTTOM + 18, moment.strftime("%H:%M"), anchor="middle")
        yield _text(x, _HEIGHT - _BOTTOM + 34, moment.strftime("%m-%d"), anchor="middle")


def _step(hours: tuple[Hour, ...]) -> float:
    return min(48.0, (_WIDTH - _LEFT - _RIGHT) / len(hours))


def _y(count: float, most: int) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * count / most


def _hour(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
