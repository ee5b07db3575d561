"""Still places for the camera of `hashsvc.demo.video` to move over: hills, streets and land from above."""

import numpy as np
import numpy.typing as npt
from PIL import Image

Picture = npt.NDArray[np.uint8]
"""uint8 (height, width, 3), RGB."""
Field = npt.NDArray[np.float32]
"""float32 (height, width)."""


def value_noise(rng: np.random.Generator, width: int, height: int, cells: int, octaves: int) -> Field:
    """Fractal value noise, float32 (height, width), stretched to 0-1.

    Random values on a grid of `cells` along the longer side, interpolated; each octave has a grid twice as fine and
    0.55 of the weight.
    """
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        pitch = max(width, height) / (cells << octave)
        grid = rng.random((int(height / pitch) + 2, int(width / pitch) + 2), np.float32)
        smooth = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        total += np.float32(0.55**octave) * np.asarray(smooth)
    total -= total.min()
    return total / max(float(total.max()), 1e-6)


def place(rng: np.random.Generator, width: int, height: int) -> Picture:
    """A place of a random kind and palette."""
    kind = (_hills, _street, _land)[int(rng.integers(3))]
    light = 0.82 + 0.36 * value_noise(rng, width, height, 5, 2)[..., None]
    return np.clip(kind(rng, width, height) * light, 0, 255).astype(np.uint8)


def _hills(rng: np.random.Generator, width: int, height: int) -> npt.NDArray[np.float32]:
    """A cloudy sky behind ridges, the nearer the darker and the rougher."""
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    clouds = value_noise(rng, width, height, 5, 5)
    picture = _mix(_colour(rng, 90, 230), _colour(rng, 150, 255), np.clip(clouds * 1.6 - 0.3, 0, 1))
    far, near = _colour(rng, 90, 200), _colour(rng, 20, 120)
    layers = int(rng.integers(3, 6))
    horizon = float(rng.uniform(0.15, 0.45))
    for layer in range(layers):
        depth = (layer + 1) / layers
        ridge = horizon + (0.85 - horizon) * (layer / layers) + 0.28 * (value_noise(rng, width, 1, 5, 6) - 0.5)
        texture = _relief(value_noise(rng, width, height, 10 << (layer // 2), 5), 5 + 6 * depth)
        ground = (far + (near - far) * depth) * (0.45 + 0.9 * texture[..., None])
        picture = np.where((y > ridge)[..., None], ground, picture)
    return picture


def _street(rng: np.random.Generator, width: int, height: int) -> npt.NDArray[np.float32]:
    """Two rows of buildings with windows, some lit, over a road."""
    sky = value_noise(rng, width, height, 4, 4)
    picture = _mix(_colour(rng, 60, 200), _colour(rng, 140, 255), sky)
    for row, (low, high) in enumerate(((0.05, 0.35), (0.3, 0.6))):
        left = 0
        while left < width:
            right = min(width, left + int(rng.uniform(0.05, 0.16) * width))
            top = int(rng.uniform(low, high) * height)
            picture[top:, left:right] = _facade(rng, right - left, height - top, row)
            left = right + int(rng.uniform(0, 0.03) * width)
    road = int(rng.uniform(0.78, 0.88) * height)
    grain = value_noise(rng, width, height - road, 60, 3)[..., None]
    picture[road:] = _colour(rng, 40, 110) * (0.7 + 0.6 * grain)
    return picture


def _facade(rng: np.random.Generator, width: int, height: int, row: int) -> npt.NDArray[np.float32]:
    """A wall, float32 (height, width, 3), with a grid of windows of random brightness."""
    wall = _colour(rng, 60, 220) * (0.75 if row else 1.0)
    plaster = 0.7 + 0.5 * value_noise(rng, width, height, 6, 4)[..., None]
    pitch_x, pitch_y = (int(pitch) for pitch in rng.uniform((14, 18), (34, 46)))
    x, y = np.arange(width), np.arange(height)[:, None]
    window = ((x % pitch_x) > pitch_x * 0.4) & ((y % pitch_y) > pitch_y * 0.45)
    lit = rng.random((height // pitch_y + 1, width // pitch_x + 1))[y // pitch_y, x // pitch_x]
    glass = _mix(_colour(rng, 10, 70), _colour(rng, 170, 255), (lit > 0.6) * lit)
    return np.where(window[..., None], glass, wall * plaster)


def _land(rng: np.random.Generator, width: int, height: int) -> npt.NDArray[np.float32]:
    """Fields, woods and water seen from above."""
    relief = value_noise(rng, width, height, 6, 7)
    sites = rng.uniform((0, 0), (width, height), (int(rng.integers(25, 60)), 2)).astype(np.float32)
    bend = 60 * value_noise(rng, width // 4, height // 4, 8, 3)
    x = np.arange(width // 4, dtype=np.float32) * 4 + bend
    y = np.arange(height // 4, dtype=np.float32)[:, None] * 4 + bend
    owner = np.stack([(x - site[0]) ** 2 + (y - site[1]) ** 2 for site in sites]).argmin(axis=0).astype(np.uint8)
    fields = np.asarray(Image.fromarray(owner).resize((width, height), Image.Resampling.NEAREST))
    colours = np.stack([_colour(rng, 40, 210) for _ in sites])[fields]
    picture = colours * (0.5 + 0.9 * _relief(relief, 14)[..., None])
    return np.where(
        (relief < rng.uniform(0.1, 0.4))[..., None], _colour(rng, 20, 120) * (0.6 + relief[..., None]), picture
    )


def _relief(heights: Field, strength: float) -> Field:
    """Heights lit from the upper left: 0-1, 0.5 where flat."""
    slope = np.zeros_like(heights)
    slope[1:, 1:] = (heights[1:, 1:] - heights[:-1, :-1]) * np.float32(strength)
    return np.clip(0.5 + slope + 0.35 * (heights - 0.5), 0, 1)


def _colour(rng: np.random.Generator, low: float, high: float) -> npt.NDArray[np.float32]:
    """An RGB colour, float32 (3,)."""
    return rng.uniform(low, high, 3).astype(np.float32)


def _mix(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32], share: npt.NDArray[np.floating]
) -> npt.NDArray[np.float32]:
    """From colour `first` (3,) to `second` (3,) as `share` (height, width) goes from 0 to 1."""
    return (first + (second - first) * share[..., None]).astype(np.float32)
