"""Filter graphs, node by node: FFmpeg's filters without the ffmpeg program.

A graph reads the footage, perhaps other footage beside it, and still pictures, and gives pictures back.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import av.error
import av.filter
import numpy as np
from av.filter.context import FilterContext
from PIL import Image

from hashsvc.media.window import RATE, Frame

Pictures = Callable[[str, int, int], Image.Image]
"""Makes the still picture of a name in a width and height: RGBA, or 16-bit grey for a map."""


class Bench:
    """One graph while it is built, and then at work: `edit` joins the nodes, `frames` runs pictures through."""

    def __init__(self, size: tuple[int, int], edit: "Edit", pictures: Pictures) -> None:
        """`size` is width and height of the footage, in which `edit` is built."""
        self.width, self.height = size
        self._pictures = pictures
        self._graph = av.filter.Graph()
        self._graph.threads = 1
        self._inputs = 0
        self._stills: list[tuple[int, Frame]] = []
        self._other_at = -1
        self.main = self._input(self.width, self.height, "yuv420p")
        out = self.do("scale=trunc(iw/2)*2:trunc(ih/2)*2;setsar=1;format=yuv420p", edit(self))
        out.link_to(self._graph.add("buffersink"))
        self._graph.configure(auto_buffer=False)
        for at, still in self._stills:
            self._graph.vpush(still, at)
            self._graph.vpush(None, at)  # filters go on with the last picture of an input that has ended

    @property
    def takes_other(self) -> bool:
        """Whether the edit reads other footage."""
        return self._other_at >= 0

    def do(self, chain: str, *nodes: FilterContext) -> FilterContext:
        """Filters `name=arguments`, one after the other, parted by semicolons; the first takes all `nodes`."""
        for step in chain.split(";"):
            name, _, arguments = step.partition("=")
            node = self._graph.add(name, arguments or None)
            for place, before in enumerate(nodes):
                before.link_to(node, 0, place)
            nodes = (node,)
        return nodes[0]

    def fork(self, node: FilterContext) -> tuple[FilterContext, FilterContext]:
        """The same pictures twice."""
        both = self._graph.add("split", "2")
        node.link_to(both)
        copies = self._graph.add("null"), self._graph.add("null")
        for place, copy in enumerate(copies):
            both.link_to(copy, place, 0)
        return copies

    def still(self, name: str, width: int = 0, height: int = 0) -> FilterContext:
        """A made picture, as large as the footage unless said otherwise."""
        image = self._pictures(name, width or self.width, height or self.height)
        kind = "gray16le" if image.mode == "I;16" else "rgba"
        frame = Frame.from_ndarray(np.asarray(image), format=kind)
        frame.pts, frame.time_base = 0, 1 / RATE
        node = self._input(frame.width, frame.height, kind)
        self._stills.append((self._inputs - 1, frame))
        return node

    def other(self) -> FilterContext:
        """Other footage, as large as this and as long; once in a graph."""
        node = self._input(self.width, self.height, "yuv420p")
        self._other_at = self._inputs - 1
        return node

    def frames(self, footage: Sequence[Frame], other: Sequence[Frame] = ()) -> Iterator[Frame]:
        """What becomes of the pictures; for a Bench that `takes_other`, `other` is at least as long."""
        with contextlib.suppress(av.error.EOFError):  # the graph may have had enough before the end
            for place, frame in enumerate(footage):
                yield from self.step(frame, other[place] if self.takes_other else None, place)
            self._graph.vpush(None, 0)
            if self.takes_other:
                self._graph.vpush(None, self._other_at)
        yield from self._ready()

    def step(self, frame: Frame, other: Frame | None, place: int) -> Iterator[Frame]:
        """Push the picture number `place`, and give back what is ready."""
        for at, one in ((0, frame), (self._other_at, other)):
            if one is not None:
                one.pts, one.time_base, one.duration = place, 1 / RATE, 1
                self._graph.vpush(one, at)
        yield from self._ready()

    def _ready(self) -> Iterator[Frame]:
        with contextlib.suppress(av.error.BlockingIOError, av.error.EOFError):
            while True:
                yield self._graph.vpull()

    def _input(self, width: int, height: int, kind: str) -> FilterContext:
        arguments = (
            f"video_size={width}x{height}:pix_fmt={kind}:time_base={1 / RATE}:pixel_aspect=1/1:frame_rate={RATE}"
        )
        self._inputs += 1
        return self._graph.add("buffer", arguments)


Edit = Callable[[Bench], FilterContext]
"""Joins nodes from the bench's inputs to the last one."""
