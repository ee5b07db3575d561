"""Edits that people make to a video before they post it again: functions from a clip to a clip.

Nothing is decoded or kept until the result is written, so a chain of edits costs one picture of memory.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from PIL import Image, ImageFilter

from hashsvc.demo.place import Picture
from hashsvc.demo.video import Clip, Encoding

Edit = Callable[[Clip], Clip]
_PLAIN = Encoding()
_FILTER = Image.Resampling.BILINEAR


def unchanged(clip: Clip) -> Clip:
    """The same pictures: what is left to change is the encoding."""
    return clip


def per_picture(change: Callable[[Picture], Picture]) -> Edit:
    """Apply `change` to every picture."""
    return lambda clip: Clip(frames=map(change, clip.frames), rate=clip.rate)


def chain(*edits: Edit) -> Edit:
    """One edit after the other."""

    def apply(clip: Clip) -> Clip:
        for edit in edits:
            clip = edit(clip)
        return clip

    return apply


def resize(width: int, height: int) -> Edit:
    """Scale to width x height, both even."""
    return per_picture(lambda picture: np.asarray(Image.fromarray(picture).resize((width, height), _FILTER)))


def resample(rate: Fraction, speed: float = 1.0) -> Edit:
    """Show at `rate` frames a second and `speed` times as fast, repeating or dropping pictures."""

    def pictures(clip: Clip) -> Iterator[Picture]:
        step = float(clip.rate) * speed / float(rate)
        shown = 0
        for index, picture in enumerate(clip.frames):
            while int(shown * step + 1e-6) == index:
                yield picture
                shown += 1

    return lambda clip: Clip(frames=pictures(clip), rate=rate)


def speed(factor: float) -> Edit:
    """Play `factor` times as fast at the clip's own rate."""
    return lambda clip: resample(clip.rate, factor)(clip)


def cut(start: float, seconds: float) -> Edit:
    """Keep `seconds` from `start`."""
    return lambda clip: Clip(
        frames=itertools.islice(clip.frames, round(start * clip.rate), round((start + seconds) * clip.rate)),
        rate=clip.rate,
    )


def tone(*, gamma: float = 1.0, contrast: float = 1.0, brightness: float = 0.0) -> Edit:
    """Per channel, on 0-1: power `gamma`, then `contrast` about the middle, then `brightness` added."""
    value = np.linspace(0, 1, 256) ** gamma
    curve = (np.clip((value - 0.5) * contrast + 0.5 + brightness, 0, 1) * 255).astype(np.uint8)
    return per_picture(lambda picture: curve[picture])


def noise(deviation: float, seed: int = 0) -> Edit:
    """Add Gaussian noise of `deviation` grey levels, new in every picture."""

    def pictures(clip: Clip) -> Iterator[Picture]:
        rng = np.random.default_rng(seed)
        # One field, cut at a random place for each picture: as good as fresh noise here, and many times faster.
        field = np.zeros(0, np.int16)
        for picture in clip.frames:
            if not len(field):
                field = rng.normal(0, deviation, picture.size * 3).round().astype(np.int16)
            start = int(rng.integers(len(field) - picture.size))
            added = picture + field[start : start + picture.size].reshape(picture.shape)
            yield np.clip(added, 0, 255).astype(np.uint8)

    return lambda clip: Clip(frames=pictures(clip), rate=clip.rate)


def blur(radius: float) -> Edit:
    """Gaussian blur, `radius` >= 2 in pixels."""
    kernel = ImageFilter.GaussianBlur(radius / 2)

    def soften(picture: Picture) -> Picture:
        # At half the size, where the blur costs a quarter: what it leaves has no finer detail.
        image = Image.fromarray(picture)
        return np.asarray(image.reduce(2).filter(kernel).resize(image.size, _FILTER))

    return per_picture(soften)


def palette(colours: int) -> Edit:
    """Reduce each picture to its best `colours` colours, dithered, as a GIF does."""

    def reduce(picture: Picture) -> Picture:
        few = Image.fromarray(picture).quantize(colours, Image.Quantize.FASTOCTREE)
        return np.asarray(few.convert("RGB"))

    return per_picture(reduce)


def mirror(clip: Clip) -> Clip:
    """Swap left and right."""
    return per_picture(lambda picture: np.ascontiguousarray(picture[:, ::-1]))(clip)


def crop(share: float) -> Edit:
    """Cut `share` of the width and of the height away, half on each side, and scale back to the size it had."""

    def keep_middle(picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        x, y = width * share / 2, height * share / 2
        return np.asarray(Image.fromarray(picture).resize((width, height), _FILTER, box=(x, y, width - x, height - y)))

    return per_picture(keep_middle)


def letterbox(share: float) -> Edit:
    """Squeeze into the middle, with black bars above and below that take `share` of the height together."""

    def squeeze(picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        inner = round(height * (1 - share))
        top = (height - inner) // 2
        framed = np.zeros_like(picture)
        framed[top : top + inner] = np.asarray(Image.fromarray(picture).resize((width, inner), _FILTER))
        return framed

    return per_picture(squeeze)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A named way to make a copy."""

    name: str
    title: str
    """What was done, for people."""
    edit: Edit
    encoding: Encoding = _PLAIN


RECIPES = (
    Recipe(name="240p", title="re-encoded at 240p", edit=resize(426, 240), encoding=Encoding(crf=30)),
    Recipe(
        name="144p",
        title="144p at 10 frames a second",
        edit=chain(resample(Fraction(10)), resize(256, 144)),
        encoding=Encoding(crf=33),
    ),
    Recipe(name="gamma", title="gamma and contrast changed", edit=tone(gamma=0.7, contrast=1.25)),
    Recipe(name="noise", title="noise added", edit=noise(14), encoding=Encoding(crf=30, preset="superfast")),
    Recipe(name="blur", title="blurred", edit=blur(2.5)),
    Recipe(
        name="gif",
        title="6 frames a second, 256 colours",
        edit=chain(resample(Fraction(6)), resize(480, 270), palette(256)),
    ),
    Recipe(name="faster", title="1.5 times as fast", edit=speed(1.5)),
    Recipe(name="slower", title="0.8 times as fast", edit=speed(0.8)),
    Recipe(
        name="onekey",
        title="one keyframe in the whole file",
        edit=unchanged,
        encoding=Encoding(keyframes=100_000, cut_keyframes=False),
    ),
    Recipe(name="clip10", title="10 seconds cut from the middle", edit=cut(6.3, 10.0)),
    Recipe(name="mirror", title="mirrored", edit=mirror),
    Recipe(name="crop", title="10 % cropped away", edit=crop(0.1)),
    Recipe(name="letterbox", title="letterboxed, 20 % bars", edit=letterbox(0.2)),
    Recipe(name="bright", title="brightened", edit=tone(brightness=0.15)),
    Recipe(name="clip5", title="5 seconds cut from the end", edit=cut(13.7, 5.0)),
)
"""Every recipe; names are unique and serve as file names."""
