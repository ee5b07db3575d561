"""How each edit of the battery is made."""

import dataclasses

from av.filter.context import FilterContext

from hashsvc.battery.bench import Bench, Edit
from hashsvc.media.window import RATE


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How an edit is made."""

    edit: Edit
    view: Edit | None = None
    """The same done to one picture, as a further reading of the reference."""
    crf: int = 30
    """Quality that libx264 is told; 23 is usual, 30 poor."""


def _chain(filters: str) -> Edit:
    return lambda bench: bench.do(filters, bench.main)


def _own(filters: str, *, timing: str = "", crf: int = 30) -> Making:
    """Shows nothing but the video itself."""
    whole = f"{filters};{timing}" if timing else filters
    return Making(edit=_chain(whole), view=_chain(filters), crf=crf)


def _timed(filters: str) -> Making:
    return Making(edit=_chain(filters))


def _covered(still: str) -> Edit:
    return lambda bench: bench.do("overlay=0:0", bench.main, bench.still(still))


def _centre(share: float) -> str:
    return f"crop=iw*{1 - share}:ih*{1 - share}"


def _corner(share: float, x: int, y: int) -> str:
    return f"crop=iw*{1 - share}:ih*{1 - share}:(iw-ow)*{x}:(ih-oh)*{y}"


def _speed(factor: float) -> str:
    return f"setpts=PTS/{factor};fps={RATE}"


def _tone(gamma: float, contrast: float) -> str:
    value = f"(pow(clip((val-16)/219,0,1),{gamma})-0.5)*{contrast}+0.5"
    return f"lutyuv=y=clip(({value})*219+16,16,235)"


def _reframe(bench: Bench) -> FilterContext:
    """A wide video in an upright frame, over a blurred and enlarged copy of itself."""
    front, back = bench.fork(bench.main)
    back = bench.do("scale=360:640:force_original_aspect_ratio=increase;crop=360:640;gblur=14", back)
    return bench.do("overlay=(W-w)/2:(H-h)/2", back, bench.do("scale=360:-2", front))


def _inset_still(bench: Bench) -> FilterContext:
    small = bench.do("scale=iw*0.6:ih*0.6", bench.main)
    return bench.do("overlay=W*0.08:H*0.28:shortest=0", bench.do("format=yuv420p", _repeated(bench, "backdrop")), small)


def _repeated(bench: Bench, still: str) -> FilterContext:
    """A still under moving pictures: laid over them whole, so that it lasts as long as they do."""
    return bench.do("overlay=0:0", bench.other(), bench.still(still))


def _inset_moving(bench: Bench) -> FilterContext:
    small = bench.do("scale=iw*0.5:ih*0.5", bench.main)
    return bench.do("overlay=W-w-16:H-h-16", bench.other(), small)


_HALF = "crop=trunc(iw/4)*2:ih"


def _beside(bench: Bench) -> FilterContext:
    return bench.do("hstack", bench.do(_HALF, bench.main), bench.do(_HALF, bench.other()))


def _lean(bench: Bench) -> FilterContext:
    """Seen from the side."""
    framed = bench.do(
        f"pad=iw*1.1:ih*1.12:(ow-iw)/2:(oh-ih)/2:color=0x151515;scale={bench.width}:{bench.height}", bench.main
    )
    mapped = bench.do("remap=fill=black", bench.do("format=gbrp", framed), bench.still("lean-x"), bench.still("lean-y"))
    return bench.do("format=yuv420p;vignette=PI/5;lutyuv=y=(val-16)*0.85+16", mapped)


def _refilmed(bench: Bench) -> FilterContext:
    shake = "crop=iw*0.96:ih*0.96:(iw-ow)/2*(1+0.8*sin(n/7)):(ih-oh)/2*(1+0.8*cos(n/9))"
    return bench.do(f"{shake};gblur=0.8;noise=alls=8:allf=t", _lean(bench))


_KIT = f"{_centre(0.15)};hflip"


def _kit(bench: Bench) -> FilterContext:
    cut = bench.do(f"{_KIT};scale={bench.width}:{bench.height};{_speed(1.1)}", bench.main)
    return bench.do("overlay=0:0", cut, bench.still("caption"))


MAKINGS: dict[str, Making] = {
    "reencode": _own("scale=-2:144", timing="fps=10", crf=34),
    "letterbox": _own("pad=iw:ih*1.4:0:(oh-ih)/2"),
    "pillarbox": _own("pad=iw*1.4:ih:(ow-iw)/2:0"),
    "border": _own("pad=iw*1.2:ih*1.2:(ow-iw)/2:(oh-ih)/2:color=red"),
    "crop-centre-10": _own(_centre(0.10)),
    "crop-centre-30": _own(_centre(0.30)),
    "crop-corner-10": _own(_corner(0.10, 1, 1)),
    "crop-corner-30": _own(_corner(0.30, 0, 0)),
    "mirror": _own("hflip"),
    "turn-left": _own("transpose=2"),
    "turn-right": _own("transpose=1"),
    "turn-half": _own("hflip;vflip"),
    "tilt-3": _own("rotate=3*PI/180"),
    "tilt-12": _own("rotate=12*PI/180"),
    "slower": _timed(_speed(0.8)),
    "faster": _timed(_speed(1.5)),
    "faster-2": _timed(_speed(2.0)),
    "gamma-contrast": _own(_tone(1.5, 1.3)),
    "invert": _own("negate"),
    "noise": _own("noise=alls=30:allf=t", crf=34),
    "blur": _own("gblur=3"),
    "banner": Making(edit=_covered("banner")),
    "logos": Making(edit=_covered("logos")),
    "reframe": Making(edit=_reframe, view=_reframe),
    "inset-still": Making(edit=_inset_still),
    "inset-moving": Making(edit=_inset_moving),
    "beside": Making(edit=_beside, view=_chain(_HALF)),
    "refilmed": Making(edit=_refilmed, view=_lean),
    "slideshow": _timed(f"fps=1;fps={RATE}"),
    "clip-5": _timed("trim=start=2:duration=5;setpts=PTS-STARTPTS"),
    "kit": Making(edit=_kit, view=_chain(_KIT), crf=33),
}
"""By the names of `hashsvc.battery.catalogue.BATTERY`."""
