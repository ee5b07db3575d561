"""What edits lay over a video, under it or beside it, made from nothing: banner, logos, caption, backdrop, footage."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from hashsvc.media.window import RATE, Frame

_INKS = ((230, 40, 40), (40, 160, 230), (250, 200, 30), (60, 190, 90), (200, 80, 220), (240, 240, 240))
_SHOT_SECONDS = 3.5
_LEAN = ((0.05, 0.03), (0.0, -0.02), (0.02, 0.04), (-0.04, 0.02))
"""How far each corner (top left, top right, bottom left, bottom right) of a refilmed screen is from the frame's, as
shares of width and height, inwards positive."""


def picture(name: str, width: int, height: int) -> Image.Image:
    """The still picture `name`: RGBA, or for `lean-x` and `lean-y` a map of 16-bit pixel positions."""
    if name in ("lean-x", "lean-y"):
        x, y = _lean(width, height)
        return Image.fromarray(x if name == "lean-x" else y)
    image = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    {"banner": _banner, "logos": _logos, "caption": _caption, "backdrop": _backdrop}[name](image)
    return image


def footage(size: tuple[int, int], count: int, seed: int = 0) -> Iterator[Frame]:
    """`count` pictures of moving footage with cuts, yuv420p, `size` (width, height): a camera over made-up places."""
    width, height = size
    random = np.random.default_rng(seed)
    shot = int(_SHOT_SECONDS * RATE)
    for first in range(0, count, shot):
        place = np.asarray(_place(random, width * 2, height * 2))
        start, end = random.uniform(0, 1, (2, 2)) * (width, height)
        for index in range(min(shot, count - first)):
            x, y = (start + (end - start) * index / shot).astype(int)
            view = np.ascontiguousarray(place[y : y + height, x : x + width])
            yield Frame.from_ndarray(view, format="rgb24").reformat(format="yuv420p")


def _place(random: np.random.Generator, width: int, height: int) -> Image.Image:
    """Coarse and fine noise with things standing in it."""
    layers = []
    for cells, weight in ((3, 110.0), (12, 60.0), (60, 40.0)):
        noise = random.uniform(-1, 1, (cells, cells, 3)).astype(np.float32)
        layers.append(weight * _enlarged(noise, width, height))
    image = Image.fromarray(np.clip(128 + sum(layers), 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = random.uniform(0, 1, 2) * (width, height)
        w, h = random.uniform(0.02, 0.16, 2) * (width, height)
        ink = tuple(random.integers(0, 256, 3).tolist())
        (pen.ellipse if random.random() < 0.5 else pen.rectangle)((x, y, x + w, y + h), fill=ink)
    return image.filter(ImageFilter.GaussianBlur(1))


def _enlarged(noise: npt.NDArray[np.float32], width: int, height: int) -> npt.NDArray[np.float32]:
    planes = [
        np.asarray(Image.fromarray(noise[:, :, plane]).resize((width, height), Image.Resampling.BICUBIC))
        for plane in range(3)
    ]
    return np.stack(planes, axis=2)


def _banner(image: Image.Image) -> None:
    """Over the lowest quarter."""
    width, height = image.size
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, height * 0.75, width, height), fill=(180, 20, 20, 255))
    pen.text(
        (width * 0.03, height * 0.79), "BREAKING: SHARE BEFORE IT IS GONE", fill="white", font=_font(height * 0.08)
    )
    pen.text((width * 0.03, height * 0.90), "follow for the full video", fill="yellow", font=_font(height * 0.05))


def _logos(image: Image.Image) -> None:
    """Five, over about a fifth."""
    width, height = image.size
    pen = ImageDraw.Draw(image)
    for place, (x, y) in enumerate(((0.03, 0.04), (0.7, 0.1), (0.4, 0.38), (0.08, 0.7), (0.74, 0.76))):
        box = (x * width, y * height, (x + 0.2) * width, (y + 0.2) * height)
        pen.rounded_rectangle(box, height * 0.04, fill=(*_INKS[place], 255))
        pen.text(
            (box[0] + width * 0.02, box[1] + height * 0.05), f"TV {place}", fill="black", font=_font(height * 0.08)
        )


def _caption(image: Image.Image) -> None:
    width, height = image.size
    pen = ImageDraw.Draw(image)
    for line, y in (("you will not believe this", 0.76), ("part 2 in bio", 0.87)):
        font = _font(height * 0.08)
        pen.text((width * 0.15, height * y), line, fill="white", stroke_width=3, stroke_fill="black", font=font)


def _backdrop(image: Image.Image) -> None:
    """A still that a video is laid over."""
    width, height = image.size
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, width, height), fill=(30, 60, 110, 255))
    for place in range(60):
        x, y, size = (place * 211) % 128 / 128 * width, (place * 131) % 72 / 72 * height, height * (0.05 + place / 700)
        pen.ellipse((x, y, x + size, y + size), fill=(*_INKS[place % 6], 255))
    pen.text((width * 0.05, height * 0.04), "TOP 10 MOMENTS", fill="white", font=_font(height * 0.09))


def _lean(width: int, height: int) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Where each pixel of a screen filmed from the side comes from, columns and rows, uint16 (height, width).

    Pixels beside the screen point outside of the picture.
    """
    corners = [
        (0.0 + _LEAN[0][0], 0.0 + _LEAN[0][1]),
        (1.0 - _LEAN[1][0], 0.0 + _LEAN[1][1]),
        (0.0 + _LEAN[2][0], 1.0 - _LEAN[2][1]),
        (1.0 - _LEAN[3][0], 1.0 - _LEAN[3][1]),
    ]
    rows, values = [], []
    for (u, v), (x, y) in zip(corners, ((0, 0), (1, 0), (0, 1), (1, 1)), strict=True):
        rows += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
        values += [x, y]
    a, b, c, d, e, f, g, h = np.linalg.solve(np.array(rows, float), np.array(values, float))
    v, u = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    depth = g * u + h * v + 1
    source = [np.round((a * u + b * v + c) / depth * width), np.round((d * u + e * v + f) / depth * height)]
    beside = (source[0] < 0) | (source[0] >= width) | (source[1] < 0) | (source[1] >= height)
    columns, lines = (np.where(beside, 65535, one).astype(np.uint16) for one in source)
    return columns, lines


def _font(size: float) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(max(size, 6))
