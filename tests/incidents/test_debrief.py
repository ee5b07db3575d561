"""The report on an incident and its figure."""

import dataclasses
import datetime
import io
from xml.etree import ElementTree

import pytest

from hashsvc.bank.breaker import Breaker
from hashsvc.bank.incident import Counts, EntryCounts, Hour, Incident, IncidentEntry
from hashsvc.bank.model import Entry, EntryState, StateChange
from hashsvc.incidents.debrief import debrief
from hashsvc.incidents.figure import figure

NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)
SVG = "{http://www.w3.org/2000/svg}"


def later(minutes: float) -> datetime.datetime:
    return NOON + datetime.timedelta(minutes=minutes)


INCIDENT = Incident(
    incident="square",
    description="<b>two</b> | videos",
    entries=(IncidentEntry(bank="default", entry="e1", added_at=later(1), added_by="ann"),),
    opened_at=NOON,
    opened_by="ann",
    reason="live stream",
    expires_at=later(9999),
    closed_at=later(300),
    closed_by="bob",
    closed_reason="over",
)
ENTRY = Entry(
    bank="default",
    entry="e1",
    external_id="attack",
    history=(
        StateChange(state=EntryState.CANDIDATE, actor="ann", at=later(-4)),
        StateChange(state=EntryState.CONFIRMED, actor="bob", at=later(-2), reason="seen"),
    ),
    profile="standard-1",
    duration=20.0,
    frames=80,
    hashes=1000,
    created_at=later(-4),
    updated_at=later(-2),
    revision=1,
)


def hours(*counts: int) -> tuple[Hour, ...]:
    return tuple(
        Hour(start=later(60 * place), blocked=count, reviewed=count // 2, let_through=count // 3)
        for place, count in enumerate(counts)
    )


COUNTS = Counts(
    blocked=21,
    reviewed=10,
    let_through=6,
    variants=17,
    seconds_to_first_match=150.0,
    hours=hours(9, 0, 12),
    entries=(
        EntryCounts(
            bank="default",
            entry="e1",
            external_id="attack",
            confirmed_at=later(-2),
            first_match_at=later(0.5),
            blocked=21,
            reviewed=10,
            let_through=6,
        ),
    ),
)
BREAKER = Breaker(
    bank="default",
    entry="e1",
    external_id="attack",
    tripped=False,
    tripped_at=later(30),
    reset_at=later(40),
    limit=40,
    window_seconds=600.0,
    query_coverage=1.0,
    reference_coverage=1.0,
    blocked=40,
)


def bars(text: str) -> list[ElementTree.Element]:
    """The bars of a figure: what has a title that names an hour."""
    return [one for one in ElementTree.fromstring(text).iter(f"{SVG}rect") if one.find(f"{SVG}title") is not None]


def test_says_what_was_counted_and_in_which_order_it_happened() -> None:
    """Every figure, each hour that has any, and the course of it from the first candidate to the end."""
    report = debrief(INCIDENT, COUNTS, [ENTRY], [BREAKER]).markdown
    for line in (
        "| blocked at upload | 21 |",
        "| sent to review | 10 |",
        "| let through and found later by retro-hunt | 6 |",
        "| distinct variants blocked or reviewed | 17 |",
        "| from the first confirmation to the first match | 2.5 min |",
        "| 2026-01-02 12:00 | 9 | 4 | 3 |",
        "| 2026-01-02 14:00 | 12 | 6 | 4 |",
        "![Uploads by hour](square.svg)",
    ):
        assert line in report.splitlines()
    assert "2026-01-02 13:00 |" not in report
    course = [line.partition(": ")[2] for line in report.splitlines() if line.startswith("- ")]
    assert course == [
        "attack candidate by ann",
        "attack confirmed by bob: seen",
        "opened by ann",
        "first match of attack",
        "attack added by ann",
        "breaker of attack tripped after 40 uploads",
        "breaker of attack reset",
        "closed by bob",
    ]


def test_what_people_wrote_is_no_markup() -> None:
    """A description breaks no table and smuggles in no HTML."""
    report = debrief(INCIDENT, COUNTS, [ENTRY], []).markdown
    assert "\\<b\\>two\\</b\\> \\| videos" in report


def test_an_incident_of_nothing() -> None:
    """Neither entries nor uploads: a report all the same."""
    empty = dataclasses.replace(INCIDENT, entries=(), closed_at=None, closed_reason="", description="")
    report = debrief(empty, Counts(), [], [])
    assert "| state | open |" in report.markdown and "no match yet" in report.markdown
    assert "no uploads counted" in report.figure and not bars(report.figure)


@pytest.mark.parametrize("length", [1, 3, 50, 2160])
def test_bars_are_as_high_as_the_counts(length: int) -> None:
    """Each bar stands on the one below, none leaves the picture, and heights are to scale."""
    counted = hours(*(place % 7 * 3 for place in range(length - 1)), 12)
    drawn = bars(figure(INCIDENT, Counts(hours=counted)))
    assert len(drawn) == sum(bool(count) for one in counted for count in (one.blocked, one.reviewed, one.let_through))
    heights: dict[str, float] = {}
    for bar in drawn:
        x, y, width, height = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 64 and x + width <= 960 and y >= 64 and y + height <= 360 - 48 + 0.02
        title = bar.find(f"{SVG}title")
        assert title is not None and title.text is not None
        count = int(title.text.rpartition(": ")[2].split()[0])
        heights[f"{height / count:.1f}"] = height / count
    assert max(heights.values()) - min(heights.values()) < 0.05


def test_the_figure_is_well_formed() -> None:
    """XML without references to elsewhere; names are escaped."""
    text = figure(dataclasses.replace(INCIDENT, incident="a<b&c"), COUNTS)
    root = ElementTree.parse(io.StringIO(text)).getroot()
    assert root.tag == f"{SVG}svg" and "href" not in text and "script" not in text
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert "a<b&c: uploads by hour, UTC" in texts
    assert {"blocked", "to review", "let through, found later", "12:00", "01-02", "50"} <= set(texts)
