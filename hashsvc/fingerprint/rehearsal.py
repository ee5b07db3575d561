"""What copies of a video would hash to: the edit battery, made from the video and hashed as uploads are.

And, where a copy would be missed, the reading of the reference that such copies show.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from hashsvc.battery import stills
from hashsvc.battery.bench import Bench
from hashsvc.battery.catalogue import BY_NAME
from hashsvc.battery.edits import MAKINGS
from hashsvc.battery.encode import encode
from hashsvc.config import Limits
from hashsvc.errors import MediaError
from hashsvc.fingerprint.hasher import fingerprint_query
from hashsvc.fingerprint.model import HASH_BYTES, Fingerprint
from hashsvc.fingerprint.profiles import Profile
from hashsvc.fingerprint.views import View, hash_views
from hashsvc.media.decode import SIDE, frames
from hashsvc.media.probe import MediaInfo, probe
from hashsvc.media.sample import plan
from hashsvc.media.window import Frame, Shrinker, window

_BATCH = 48
_FULL = (View("full"),)

Progress = Callable[[float], None]
Rehearsed = tuple[str, int, Fingerprint]
"""An edit, the place of the window it was done to, and what the copy hashes to."""


def rehearse(
    path: Path,
    windows: Sequence[tuple[float, float]],
    profile: Profile,
    limits: Limits,
    progress: Progress,
    names: Sequence[str] = tuple(BY_NAME),
    *,
    deep: bool = False,
) -> Iterator[Rehearsed]:
    """Copies made by the edits of `names` from each of `windows` (start and length, seconds), read quickly or deeply.

    A copy is coded into a temporary file, which goes when it is hashed. An edit that leaves too little of a short window
    is passed over. Raises MediaError and LimitExceededError for the video itself.
    """
    info = probe(path, limits)
    done, of = 0, len(windows) * len(names)
    for place, (start, seconds) in enumerate(windows):
        footage = window(path, info, start, seconds, limits)
        size = footage[0].width, footage[0].height
        other = list(stills.footage(size, len(footage)))
        for name in names:
            making = MAKINGS[name]
            with contextlib.suppress(MediaError), tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / "copy.mp4"
                encode(copy, Bench(size, making.edit, stills.picture).frames(footage, other), making.crf)
                yield name, place, fingerprint_query(copy, profile, limits, deep=deep)
            done += 1
            progress(done / of)


def edit_views(
    path: Path,
    names: Sequence[str],
    times: npt.NDArray[np.float64],
    profile: Profile,
    limits: Limits,
    progress: Progress,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The reference as the edits of `names`, which have a view, show it, at its kept frames' `times` (n,).

    Hashes uint8 (n, names, 32) and qualities uint8 (n, names); quality 0 where a frame could not be had again.
    """
    info = probe(path, limits)
    hashes = np.zeros((len(times), len(names), HASH_BYTES), np.uint8)
    quality = np.zeros((len(times), len(names)), np.uint8)
    for places, lumas in _batches(path, info, names, times, profile, limits, progress):
        for view in range(len(names)):
            found = hash_views(lumas[:, view], _FULL)
            hashes[places, view], quality[places, view] = found[0][:, 0], found[1][:, 0]
    return hashes, quality


def _batches(
    path: Path,
    info: MediaInfo,
    names: Sequence[str],
    times: npt.NDArray[np.float64],
    profile: Profile,
    limits: Limits,
    progress: Progress,
) -> Iterator[tuple[list[int], npt.NDArray[np.uint8]]]:
    """Places in `times`, and lumas uint8 (places, names, SIDE, SIDE), some at a time."""
    places: list[int] = []
    lumas: list[npt.NDArray[np.uint8]] = []
    for place, frame in _kept(path, info, times, profile, limits):
        if not places:
            readers = _Readers(names, frame)
        places.append(place)
        lumas.append(readers.read(frame, len(places)))
        if len(places) == _BATCH:
            yield places, np.stack(lumas)
            places, lumas = [], []
            progress(place / len(times))
    if places:
        yield places, np.stack(lumas)


def _kept(
    path: Path, info: MediaInfo, times: npt.NDArray[np.float64], profile: Profile, limits: Limits
) -> Iterator[tuple[int, Frame]]:
    """The frames that the reference kept, small and upright, with their place in `times`."""
    shrink = Shrinker(info.aspect, info.height)
    place = 0
    for time, frame, turns in frames(path, info, plan(info, profile.dense, limits), limits):
        while place < len(times) and times[place] < time - 1e-6:
            place += 1
        if place == len(times):
            return
        if abs(times[place] - time) <= 1e-6:
            yield place, shrink(frame, turns)
            place += 1


class _Readers:
    """One graph for each edit, through which single pictures go."""

    def __init__(self, names: Sequence[str], like: Frame) -> None:
        self._benches = []
        for name in names:
            view = MAKINGS[name].view
            if view is None:
                raise ValueError(f"the edit {name!r} has no view")
            self._benches.append(Bench((like.width, like.height), view, stills.picture))
        self._reformatter = VideoReformatter()

    def read(self, frame: Frame, place: int) -> npt.NDArray[np.uint8]:
        """Lumas uint8 (names, SIDE, SIDE) of one picture."""
        read = []
        for bench in self._benches:
            shown = next(bench.step(frame, None, place))
            luma = self._reformatter.reformat(shown, SIDE, SIDE, "gray", interpolation=Interpolation.AREA).to_ndarray()
            read.append(luma.astype(np.uint8, copy=False))
        return np.stack(read)
