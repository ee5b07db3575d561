"""The edit battery by name: what an entry is tried with. Importable without a codec."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Rehearsal:
    """An edit that an entry is tried with."""

    name: str
    """As in the recipes of benchmarks/robustness, where they do the same."""
    title: str
    """For people."""
    viewed: bool = True
    """Whether the reference can be read as the edit shows it. Not where only the timing changes, nor where the video is
    shown whole beside or under what would differ in every copy."""


BATTERY: tuple[Rehearsal, ...] = (
    Rehearsal("reencode", "144p at 10 frames a second"),
    Rehearsal("letterbox", "black bars above and below"),
    Rehearsal("pillarbox", "black bars at the sides"),
    Rehearsal("border", "coloured border"),
    Rehearsal("crop-centre-10", "10 % cropped, centre kept"),
    Rehearsal("crop-centre-30", "30 % cropped, centre kept"),
    Rehearsal("crop-corner-10", "10 % cropped, bottom right kept"),
    Rehearsal("crop-corner-30", "30 % cropped, top left kept"),
    Rehearsal("mirror", "mirrored"),
    Rehearsal("turn-left", "turned left"),
    Rehearsal("turn-right", "turned right"),
    Rehearsal("turn-half", "upside down"),
    Rehearsal("tilt-3", "tilted by 3 degrees"),
    Rehearsal("tilt-12", "tilted by 12 degrees"),
    Rehearsal("slower", "0.8 times as fast", viewed=False),
    Rehearsal("faster", "1.5 times as fast", viewed=False),
    Rehearsal("faster-2", "twice as fast", viewed=False),
    Rehearsal("gamma-contrast", "darker, more contrast"),
    Rehearsal("invert", "colours inverted"),
    Rehearsal("noise", "noise added"),
    Rehearsal("blur", "blurred"),
    Rehearsal("banner", "banner over a quarter", viewed=False),
    Rehearsal("logos", "logos over a fifth", viewed=False),
    Rehearsal("reframe", "upright, on a blurred fill"),
    Rehearsal("inset-still", "at 60 % on a still picture", viewed=False),
    Rehearsal("inset-moving", "at 50 % over moving footage", viewed=False),
    Rehearsal("beside", "side by side with other footage"),
    Rehearsal("refilmed", "filmed off a screen"),
    Rehearsal("slideshow", "one picture a second", viewed=False),
    Rehearsal("clip-5", "5 seconds of it", viewed=False),
    Rehearsal("kit", "cropped, mirrored, captioned, 1.1x, poor quality"),
)
"""In the order in which they are tried and shown."""

BY_NAME = {one.name: one for one in BATTERY}
VIEW_PREFIX = "edit-"
"""Names of views that vaccination added to a reference begin with this, the edit's name follows."""
