"""What a match found, in words that need no knowledge of hashing."""

import re

from hashsvc.bank.model import EntryState
from hashsvc.battery.catalogue import BY_NAME, VIEW_PREFIX
from hashsvc.match.model import ALLOWED, EXCLUDED, Excused, Match, MatchResult

_REFERENCE_VIEWS = {
    "mirror": "mirrored",
    "half-turn": "turned upside down",
    "left-turn": "turned left",
    "right-turn": "turned right",
    "inverted": "colours inverted",
    "top-72": "its upper part",
    "bottom-72": "its lower part",
    "left-72": "its left part",
    "right-72": "its right part",
    "middle-rows": "cut off above and below",
    "middle-columns": "cut off left and right",
    "middle-half-rows": "cut down to its middle half, above and below",
    "middle-half-columns": "cut down to its middle half, left and right",
    "middle-third": "cut down to its middle third",
    "area": "without its own border",
    "area-mirror": "mirrored, without its own border",
}
_QUERY_VIEWS = {
    "area": "inside a border",
    "framed": "inside a frame",
    "moving": "as the moving part of a still picture",
    "busy": "as the moving part of a screen",
    "left-half": "in the left half of the picture",
    "right-half": "in the right half of the picture",
    "top-half": "in the upper half of the picture",
    "bottom-half": "in the lower half of the picture",
    "left-72": "left part of the picture",
    "right-72": "right part of the picture",
    "top-72": "upper part of the picture",
    "bottom-72": "lower part of the picture",
}
_SAME_SPEED = 0.02


def why(match: Match) -> str:
    """How much of the upload shows the entry and how it was changed: `14.2 s of 20.0 s (71 %), seen mirrored`.

    And what made a verdict of it, where that is not the bank's thresholds alone.
    """
    parts = [_shown(match)]
    if match.state is not EntryState.CONFIRMED:
        parts.append(f"the entry is {match.state}")
    if match.reason.startswith("rule"):
        parts.append(match.reason)
    if match.breaker:
        parts.append("would be BLOCK, but its breaker has tripped")
    if match.observed is not None:
        parts.append(f"only observed, would be {match.observed}")
    return "; ".join(parts)


def _shown(match: Match) -> str:
    if match.digest:
        return f"the same bytes ({match.digest.upper().replace('SHA256', 'SHA-256')})"
    matched = sum(segment.query_end - segment.query_start for segment in match.segments)
    share = match.query_coverage
    parts = [f"{matched:.1f} s of {matched / share:.1f} s ({share:.0%})".replace("%", " %") if share > 0 else "no part"]
    parts += dict.fromkeys(view_in_words(segment.view) for segment in match.segments)
    parts += dict.fromkeys(speed_in_words(segment.speed) for segment in match.segments)
    return ", ".join(part for part in parts if part)


def view_in_words(view: str) -> str:
    """`seen mirrored` for `full/mirror`; empty where both sides show the full frame."""
    query, _, reference = view.partition("/")
    if query == reference:  # turned the same way on both sides is not turned at all
        return f"by the {_query_in_words(query)}" if query in _QUERY_VIEWS else ""
    seen = [] if reference in ("full", "") else [_reference_in_words(reference)]
    if query != "full":
        seen.append(_query_in_words(query))
    return f"seen {' and '.join(seen)}"


def _reference_in_words(view: str) -> str:
    if cut := re.fullmatch(r"centre-(\d+)(-mirror)?", view):
        return f"{'mirrored and ' if cut[2] else ''}cropped to its middle {cut[1]} %"
    if tilt := re.fullmatch(r"tilt([+-]\d+)", view):
        return f"tilted by about {abs(int(tilt[1]))} degrees"
    if corner := re.fullmatch(r"(top|bottom)-(left|right)-(\d+)", view):
        return f"cropped to its {corner[1]} {corner[2]} {corner[3]} %"
    if view.startswith(VIEW_PREFIX) and view.removeprefix(VIEW_PREFIX) in BY_NAME:
        return BY_NAME[view.removeprefix(VIEW_PREFIX)].title
    return _REFERENCE_VIEWS.get(view, view)


def _query_in_words(view: str) -> str:
    if view.startswith("inside-") or view.endswith("-quarter"):
        return "as a picture inside the picture"
    if view.startswith("centre-"):
        return "smaller, within something else"
    if side := re.fullmatch(r"leaning-(left|right|top|bottom)-\d+", view):
        return f"filmed off a screen from the {side[1]}"
    return _QUERY_VIEWS.get(view) or _REFERENCE_VIEWS.get(view, view)


def speed_in_words(speed: float) -> str:
    """`1.5x speed`; empty at the entry's own speed."""
    backwards = "played backwards" if speed < 0 else ""
    if abs(abs(speed) - 1) <= _SAME_SPEED:
        return backwards
    return f"{abs(speed):.2f}".rstrip("0").rstrip(".") + "x speed" + (f" {backwards}" if backwards else "")


def evidence_in_words(evidence: float) -> str:
    """`chance 1 in 10^12`: how often footage that has nothing to do with the entry would match as well."""
    return f"chance 1 in 10^{-evidence:.0f}" if evidence < 0 else "could be chance"


def excuse(excused: Excused) -> str:
    """Such as `only harmless parts of attack (12.0 s)`, or `attack (12.0 s), but rule 1: allow if label=film`."""
    shown = f"{excused.external_id or excused.entry} ({excused.seconds:.1f} s)"
    if excused.reason == ALLOWED:
        by = f"{excused.by_external_id or excused.by_entry} of the allow bank {excused.by_bank}"
        return f"{shown}, but {by} explains that as well"
    return f"only harmless parts of {shown}" if excused.reason == EXCLUDED else f"{shown}, but {excused.reason}"


def strongest(result: MatchResult) -> str:
    """One cell for an upload: what the strongest match says, and how many more there are; else why there is none."""
    if not result.matches:
        return "; ".join(map(excuse, result.excused)) or "nothing known in it"
    more = len(result.matches) - 1
    return why(result.matches[0]) + (f" (and {more} more)" if more else "")
