"""Pictures that recipes lay over a clip or under it: banners, logos, emoji, watermarks, a desktop, a window."""

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_SIZE = (1280, 720)
_INKS = ((230, 40, 40), (40, 160, 230), (250, 200, 30), (60, 190, 90), (200, 80, 220), (240, 240, 240))


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _blank() -> Image.Image:
    return Image.new("RGBA", _SIZE, (0, 0, 0, 0))


def _banner(share: float, top: bool) -> Image.Image:
    image, height = _blank(), int(_SIZE[1] * share)
    pen = ImageDraw.Draw(image)
    y = 0 if top else _SIZE[1] - height
    pen.rectangle((0, y, _SIZE[0], y + height), fill=(180, 20, 20, 255))
    pen.text((30, y + height // 5), "BREAKING: SHARE BEFORE IT IS GONE", fill="white", font=_font(int(height * 0.35)))
    pen.text(
        (30, y + height * 3 // 5), "follow @channel for the full video", fill="yellow", font=_font(int(height * 0.2))
    )
    return image


def _logos(count: int) -> Image.Image:
    """Each covers 3.7 % of the picture, and none another."""
    image = _blank()
    pen = ImageDraw.Draw(image)
    for place in range(count):
        row, column = divmod(place * 5 % 12, 4)
        x, y = 40 + column * 310 + row * 12, 30 + row * 235
        pen.rounded_rectangle((x, y, x + 230, y + 150), 30, fill=(*_INKS[place % 6], 255))
        pen.text((x + 25, y + 45), f"LOGO {place}", fill="black", font=_font(48))
    return image


def _emoji(count: int) -> Image.Image:
    image = _blank()
    pen = ImageDraw.Draw(image)
    for place in range(count):
        x, y, size = 80 + (place * 377) % 1040, 60 + (place * 229) % 520, 110
        pen.ellipse((x, y, x + size, y + size), fill=(255, 210, 50, 255), outline="black", width=3)
        pen.ellipse((x + 28, y + 32, x + 44, y + 52), fill="black")
        pen.ellipse((x + 66, y + 32, x + 82, y + 52), fill="black")
        pen.arc((x + 26, y + 40, x + 84, y + 88), 20, 160, fill="black", width=6)
    return image


def _mark(size: int, alpha: int) -> Image.Image:
    image = _blank()
    pen = ImageDraw.Draw(image)
    pen.text((_SIZE[0] // 4, _SIZE[1] // 2), "@reposted", fill=(255, 255, 255, alpha), font=_font(size))
    return image


def _moire() -> Image.Image:
    """The beat of a screen's lines with a sensor's: fine slanted bands, brighter and darker."""
    y, x = np.mgrid[0 : _SIZE[1], 0 : _SIZE[0]].astype(np.float32)
    wave = np.sin((x + 0.35 * y) / 5.5) * np.sin((y - 0.12 * x) / 7.5 + np.sin(x / 160))
    image = np.zeros((_SIZE[1], _SIZE[0], 4), np.uint8)
    image[..., :3] = np.where(wave > 0, 255, 0)[..., None]
    image[..., 3] = np.abs(wave) * 46
    return Image.fromarray(image)


def _caption() -> Image.Image:
    image = _blank()
    pen = ImageDraw.Draw(image)
    for line, y in (("you will not believe this", 560), ("part 2 in bio", 630)):
        pen.text((200, y), line, fill="white", stroke_width=4, stroke_fill="black", font=_font(58))
    return image


def _backdrop() -> Image.Image:
    image = Image.new("RGB", _SIZE, (30, 60, 110))
    pen = ImageDraw.Draw(image)
    for place in range(60):
        x, y = (place * 211) % 1280, (place * 131) % 720
        pen.ellipse((x, y, x + 40 + place, y + 40 + place), fill=_INKS[place % 6])
    pen.text((60, 30), "TOP 10 MOMENTS", fill="white", font=_font(64))
    return image


def _window() -> Image.Image:
    image = Image.new("RGB", (1280, 800), (238, 238, 240))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 1280, 70), fill=(60, 60, 66))
    for place, ink in enumerate(((255, 95, 86), (255, 189, 46), (39, 201, 63))):
        pen.ellipse((20 + place * 40, 22, 46 + place * 40, 48), fill=ink)
    pen.rounded_rectangle((180, 16, 1100, 54), 16, fill="white")
    pen.text((200, 20), "https://video.example/watch?v=12345", fill="grey", font=_font(24))
    for place in range(6):
        pen.text(
            (30, 745 + place % 2 * 20), "menu   file   edit   view   share   comments", fill="black", font=_font(20)
        )
    return image


MAKERS = {
    "banner-low": lambda: _banner(0.25, False),
    "banner-high": lambda: _banner(0.33, True),
    "logos-fifth": lambda: _logos(6),
    "logos-third": lambda: _logos(9),
    "emoji-few": lambda: _emoji(4),
    "emoji-many": lambda: _emoji(12),
    "mark-small": lambda: _mark(60, 150),
    "mark-large": lambda: _mark(150, 200),
    "caption": _caption,
    "backdrop": _backdrop,
    "window": _window,
    "moire": _moire,
}


def make(folder: Path, name: str) -> Path:
    """The picture as a PNG in `folder`, made where it is not there yet."""
    path = folder / f"{name}.png"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"part-{os.getpid()}--{name}.png"
        MAKERS[name]().save(part)
        part.rename(path)
    return path
