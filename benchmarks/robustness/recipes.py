"""What re-uploaders do, as FFmpeg filter graphs: each recipe in a mild and a strong form.

A graph reads the cut clip as `[0:v]`, other footage as `[1:v]` and made pictures as further inputs, and ends in `[out]`.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from benchmarks.robustness.stretch import Stretch

EVEN = "scale=trunc(iw/2)*2:trunc(ih/2)*2,setsar=1"
FIT = "scale=w={w}:h={h}:force_original_aspect_ratio=increase,crop={w}:{h},setsar=1"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """The cut that a recipe works on."""

    width: int
    height: int
    duration: float
    rate: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a recipe does to a clip."""

    graph: str
    options: tuple[str, ...] = ()
    """Encoder options after the defaults."""
    pictures: tuple[str, ...] = ()
    """Names of made pictures that the graph reads as inputs, after the other footage."""
    speed: float = 1.0
    """Clip seconds in one second of the copy."""
    stretches: tuple[Stretch, ...] = ()
    """Where the clip's footage is in the copy; none: all of it, from the beginning, at `speed`."""
    other: float = 0.0
    """Seconds of other footage needed."""
    sound: bool = False
    """Whether the graph makes sound that `options` map."""
    suffix: str = ".mp4"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A named edit."""

    name: str
    strength: str
    """`mild` or `strong`."""
    edit: Callable[[Clip], Edit]

    @property
    def key(self) -> str:
        return f"{self.name}-{self.strength}"


def _simple(filters: str, *options: str, **more: float) -> Callable[[Clip], Edit]:
    return lambda clip: Edit(graph=f"[0:v]{filters},{EVEN}[out]", options=options, **more)  # type: ignore[arg-type]


def _pair(name: str, mild: Callable[[Clip], Edit], strong: Callable[[Clip], Edit]) -> Iterator[Recipe]:
    yield Recipe(name=name, strength="mild", edit=mild)
    yield Recipe(name=name, strength="strong", edit=strong)


def _corner(share: float) -> str:
    return f"crop=iw*{1 - share}:ih*{1 - share}:0:0"


def _centre(share: float) -> str:
    return f"crop=iw*{1 - share}:ih*{1 - share}"


def _speed(factor: float) -> Callable[[Clip], Edit]:
    return lambda clip: Edit(graph=f"[0:v]setpts=PTS/{factor},fps={clip.rate},{EVEN}[out]", speed=factor)


def _inset(share: float, x: str, y: str, *, still: bool) -> Callable[[Clip], Edit]:
    def edit(clip: Clip) -> Edit:
        back = FIT.format(w=640, h=360)
        small = f"scale={int(640 * share) // 2 * 2}:{int(360 * share) // 2 * 2}:force_original_aspect_ratio=decrease"
        rate = "" if still else f",fps={clip.rate}"
        graph = f"[1:v]{back}{rate}[b];[0:v]{small}[s];[b][s]overlay={x}:{y}:shortest=1,{EVEN}[out]"
        return Edit(graph=graph, pictures=("backdrop",)) if still else Edit(graph=graph, other=clip.duration)

    return edit


def _picture(name: str, place: str) -> Callable[[Clip], Edit]:
    """A made picture with transparency over the clip; `p` is the picture, scaled to the clip."""
    return lambda clip: Edit(
        graph=f"[1:v]scale={clip.width}:{clip.height}[p];[0:v][p]overlay={place},{EVEN}[out]", pictures=(name,)
    )


def _beside(layout: str, *, cut: bool) -> Callable[[Clip], Edit]:
    """Next to other footage, each shown whole and scaled down, or each cut down to its half of the frame."""

    def edit(clip: Clip) -> Edit:
        w, h = clip.width // 4 * 2, clip.height // 4 * 2
        if cut:
            w, h = {"side": (320, 360), "stack": (640, 180), "quad": (320, 180)}[layout]
        one = f"[0:v]fps=25,{FIT.format(w=w, h=h)}[a];[1:v]fps=25,{FIT.format(w=w, h=h)}"
        graph = {
            "side": f"{one}[b];[a][b]hstack=shortest=1[out]",
            "stack": f"{one}[b];[b][a]vstack=shortest=1[out]",
            "quad": f"{one},split=3[b][c][d];[c]hflip[e];[d]negate[f];[b][a]hstack=shortest=1[t];"
            f"[e][f]hstack=shortest=1[u];[t][u]vstack=shortest=1[out]",
        }[layout]
        return Edit(graph=graph, other=clip.duration)

    return edit


def _reframe(blur: int, width: int) -> Callable[[Clip], Edit]:
    return lambda clip: Edit(
        graph=f"[0:v]split[a][b];[a]{FIT.format(w=360, h=640)},boxblur={blur}:2[bg];"
        f"[b]scale={width}:-2[fg];[bg][fg]overlay=(W-w)/2:(H-h)/2,{EVEN}[out]"
    )


def _refilmed(strong: bool) -> Callable[[Clip], Edit]:
    amount = 0.12 if strong else 0.05
    dim = 0.6 if strong else 0.8

    def edit(clip: Clip) -> Edit:
        w, h = clip.width, clip.height
        p = (
            f"perspective=x0={-amount * w:.0f}:y0={-amount * h * 0.6:.0f}:x1={w * (1 + amount * 0.5):.0f}:y1=0:"
            f"x2=0:y2={h * (1 + amount * 0.7):.0f}:x3={w * (1 + amount):.0f}:y3={h * (1 + amount * 0.3):.0f}:sense=source"
        )
        shake = "crop=iw*0.96:ih*0.96:'(iw-ow)/2*(1+0.8*sin(n/7))':'(ih-oh)/2*(1+0.8*cos(n/9))'"
        flicker = f"eq=brightness='0.03*sin(n*2.1)':contrast={dim + 0.15}:eval=frame"
        bezel = "pad=iw*1.12:ih*1.14:(ow-iw)/2:(oh-ih)/2:color=0x151515"
        graph = (
            f"[1:v]scale={w}:{h}[m];[0:v][m]overlay=0:0:shortest=1,{bezel},{p},{shake},{flicker},gblur=0.8,"
            f"noise=alls=8:allf=t,vignette=PI/5,{EVEN}[out]"
        )
        return Edit(graph=graph, options=("-crf", "30"), pictures=("moire",))

    return edit


def _window(strong: bool) -> Callable[[Clip], Edit]:
    scale = 0.6 if strong else 0.85

    def edit(clip: Clip) -> Edit:
        w, h = int(800 * scale) // 2 * 2, int(450 * scale) // 2 * 2
        graph = (
            f"[1:v]scale=800:500[b];[0:v]scale={w}:{h}:force_original_aspect_ratio=decrease[s];"
            f"[b][s]overlay=(W-w)/2:(H-h)/2+15:shortest=1,{EVEN}[out]"
        )
        return Edit(graph=graph, pictures=("window",))

    return edit


def _opening(seconds: float) -> Callable[[Clip], Edit]:
    def edit(clip: Clip) -> Edit:
        fit = FIT.format(w=clip.width, h=clip.height)
        return Edit(
            graph=f"[1:v]trim=0:{seconds},setpts=PTS-STARTPTS,fps=25,{fit}[o];[0:v]fps=25,{fit}[c];"
            f"[o][c]concat=n=2:v=1[out]",
            other=seconds,
            stretches=(Stretch(seconds, seconds + clip.duration, 0.0, clip.duration),),
        )

    return edit


def _excerpt(seconds: float, total: float) -> Callable[[Clip], Edit]:
    def edit(clip: Clip) -> Edit:
        fit = FIT.format(w=clip.width, h=clip.height)
        part = min(seconds, clip.duration)
        before = (total - part) * 0.4
        return Edit(
            graph=f"[1:v]fps=25,{fit},split[x][y];[x]trim=0:{before},setpts=PTS-STARTPTS[o];"
            f"[y]trim={before}:{total - part},setpts=PTS-STARTPTS[e];"
            f"[0:v]trim=0:{part},setpts=PTS-STARTPTS,fps=25,{fit}[c];[o][c][e]concat=n=3:v=1[out]",
            other=total - part,
            stretches=(Stretch(before, before + part, 0.0, part),),
        )

    return edit


def _reel(cut: float) -> Callable[[Clip], Edit]:
    def edit(clip: Clip) -> Edit:
        count = max(2, int(clip.duration / cut / 1.25))
        order = [(place * 5 + 3) % count for place in range(count)] if count % 5 else list(range(count))[::-1]
        names = "".join(f"[s{place}]" for place in range(count))
        pieces = ";".join(
            f"[s{place}]trim={one * cut * 1.25}:{one * cut * 1.25 + cut},setpts=PTS-STARTPTS[t{place}]"
            for place, one in enumerate(order)
        )
        joined = "".join(f"[t{place}]" for place in range(count))
        graph = f"[0:v]{EVEN},split={count}{names};{pieces};{joined}concat=n={count}:v=1[out]"
        return Edit(graph=graph, stretches=tuple(_joined([one * cut * 1.25 for one in order], cut, clip.duration)))

    return edit


def _joined(begins: Sequence[float], cut: float, duration: float) -> Iterator[Stretch]:
    """Pieces of `cut` seconds, one after the other; a piece ends where the clip does."""
    at = 0.0
    for begin in begins:
        length = max(0.0, min(cut, duration - begin))
        if length:
            yield Stretch(at, at + length, begin, begin + length)
        at += length


def _loop(seconds: float, times: int) -> Callable[[Clip], Edit]:
    """Play the beginning, then `times` times again."""

    def edit(clip: Clip) -> Edit:
        part = min(seconds, clip.duration)
        return Edit(
            graph=f"[0:v]trim=0:{part},setpts=PTS-STARTPTS,{EVEN},fps=25,"
            f"loop=loop={times}:size={int(25 * part)}:start=0[out]",
            stretches=tuple(Stretch(place * part, (place + 1) * part, 0.0, part) for place in range(times + 1)),
        )

    return edit


def _kit(crop: float, speed: float, crf: int) -> Callable[[Clip], Edit]:
    return lambda clip: Edit(
        graph=f"[1:v]scale={clip.width}:{clip.height}[p];[0:v]{_centre(crop)},scale={clip.width}:{clip.height},hflip,"
        f"setpts=PTS/{speed}[c];[c][p]overlay=0:0,{EVEN}[out]",
        pictures=("caption",),
        options=("-crf", str(crf)),
        speed=speed,
    )


def _sound(clip: Clip) -> Edit:
    """The picture untouched, a tone for sound."""
    graph = f"[0:v]{EVEN}[out];sine=frequency=440:duration={clip.duration:.3f}[tone]"
    return Edit(graph=graph, options=("-map", "[tone]", "-c:a", "aac"), sound=True)


def _gif(rate: int, width: int) -> Callable[[Clip], Edit]:
    return lambda clip: Edit(
        graph=f"[0:v]fps={rate},scale={width}:-2,split[a][b];[a]palettegen[p];[b][p]paletteuse[out]", suffix=".gif"
    )


RECIPES: tuple[Recipe, ...] = (
    *_pair("reencode", _simple("scale=-2:240", "-crf", "30"), _simple("fps=10,scale=-2:144", "-crf", "34")),
    *_pair("lowbitrate", _simple("null", "-crf", "38"), _simple("null", "-crf", "46")),
    *_pair("one-keyframe", _simple("null", "-g", "9999", "-sc_threshold", "0"),
           _simple("scale=-2:240", "-g", "9999", "-sc_threshold", "0", "-bf", "8")),
    *_pair("letterbox", _simple("pad=iw:ih*1.2:0:(oh-ih)/2"), _simple("pad=iw:ih*1.5:0:(oh-ih)/2")),
    *_pair("pillarbox", _simple("pad=iw*1.2:ih:(ow-iw)/2:0"), _simple("pad=iw*1.6:ih:(ow-iw)/2:0")),
    *_pair("border", _simple("pad=iw*1.1:ih*1.1:(ow-iw)/2:(oh-ih)/2:color=red"),
           _simple("pad=iw*1.35:ih*1.35:(ow-iw)/2:(oh-ih)/2:color=yellow")),
    *_pair("crop-centre", _simple(_centre(0.10)), _simple(_centre(0.30))),
    *_pair("crop-centre-far", _simple(_centre(0.05)), _simple(_centre(0.40))),
    *_pair("crop-corner", _simple(_corner(0.10)), _simple(_corner(0.35))),
    *_pair("mirror", _simple("hflip"), _simple(f"hflip,{_centre(0.15)}")),
    *_pair("turn-quarter", _simple("transpose=1"), _simple("transpose=2")),
    *_pair("turn-half", _simple("hflip,vflip"), _simple(f"hflip,vflip,{_centre(0.1)}")),
    *_pair("tilt", _simple("rotate=3*PI/180"), _simple("rotate=-15*PI/180")),
    *_pair("faster", _speed(1.5), _speed(2.0)),
    *_pair("slower", _speed(0.8), _speed(0.5)),
    *_pair("frame-rate", _simple("fps=12"), _simple("fps=5")),
    *_pair("dropped", _simple("select='not(eq(mod(n\\,4)\\,1))'", "-fps_mode", "vfr"),
           _simple("select='gt(random(1)\\,0.7)'", "-fps_mode", "vfr")),
    *_pair("gamma-contrast", _simple("eq=gamma=1.4:contrast=1.2"), _simple("eq=gamma=0.5:contrast=1.5:brightness=0.05")),
    *_pair("colour", _simple("hue=h=40:s=1.5"), _simple("hue=h=160:s=2.5")),
    *_pair("grey-sepia", _simple("hue=s=0"),
           _simple("colorchannelmixer=.393:.769:.189:0:.349:.686:.168:0:.272:.534:.131")),
    *_pair("invert", _simple("negate"), _simple(f"negate,{_centre(0.08)}")),
    *_pair("noise", _simple("noise=alls=12:allf=t"), _simple("noise=alls=45:allf=t")),
    *_pair("blur", _simple("gblur=1.5"), _simple("gblur=6")),
    *_pair("sharpen", _simple("unsharp=5:5:1.2"), _simple("unsharp=9:9:3.0")),
    *_pair("banner", _picture("banner-low", "0:0"), _picture("banner-high", "0:0")),
    *_pair("logos", _picture("logos-fifth", "0:0"), _picture("logos-third", "0:0")),
    *_pair("emoji", _picture("emoji-few", "0:0"), _picture("emoji-many", "0:0")),
    *_pair("watermark", _picture("mark-small", "'40*sin(t)':'30*cos(t/2)'"), _picture("mark-large", "'80*sin(t)':'60*cos(t/2)'")),
    *_pair("patch", lambda clip: Edit(graph=f"[0:v]split[a][b];[b]crop=iw/4:ih/4:iw*0.4:ih*0.35,boxblur=10[c];[a][c]overlay=W*0.4:H*0.35,{EVEN}[out]"),
           lambda clip: Edit(graph=f"[0:v]split[a][b];[b]crop=iw/2.2:ih/2.2:iw*0.25:ih*0.25,boxblur=12[c];[a][c]overlay=W*0.25:H*0.25,{EVEN}[out]")),
    *_pair("reframe", _reframe(12, 360), _reframe(20, 300)),
    *_pair("inset-still", _inset(0.6, "W*0.06", "H*0.3", still=True), _inset(0.45, "W-w-20", "20", still=True)),
    *_pair("inset-moving", _inset(0.5, "W-w-16", "H-h-16", still=False), _inset(0.3, "16", "16", still=False)),
    *_pair("beside", _beside("side", cut=False), _beside("side", cut=True)),
    *_pair("stacked", _beside("stack", cut=False), _beside("stack", cut=True)),
    *_pair("quad", _beside("quad", cut=False), _beside("quad", cut=True)),
    *_pair("refilmed", _refilmed(False), _refilmed(True)),
    *_pair("window", _window(False), _window(True)),
    *_pair("opening", _opening(10.0), _opening(30.0)),
    *_pair("excerpt", _excerpt(8.0, 60.0), _excerpt(5.0, 60.0)),
    *_pair("reel", _reel(4.0), _reel(2.0)),
    *_pair("loop", _loop(6.0, 2), _loop(3.0, 4)),
    *_pair("reverse", lambda clip: Edit(graph=f"[0:v]{EVEN},reverse[out]"),
           lambda clip: Edit(graph="[0:v]scale=-2:240,reverse[out]")),
    *_pair("slideshow", _simple("fps=1,fps=10"), _simple("fps=0.5,fps=10")),
    *_pair("gif", _gif(10, 320), _gif(6, 240)),
    *_pair("sound", _simple("null"), _sound),
    *_pair("kit", _kit(0.15, 1.1, 30), _kit(0.20, 1.25, 36)),
)  # fmt: skip
"""Audio plays no part in matching: every copy is made without it, but for one whose sound is replaced."""

PLAIN = ("reencode", "one-keyframe", "gamma-contrast", "noise", "blur", "gif", "faster", "slower")
"""What a platform's own transcoding and a careless re-upload do."""
