"""Pictures to a file as a re-upload would be coded."""

from collections.abc import Iterable
from pathlib import Path

import av
import av.video

from hashsvc.errors import MediaError
from hashsvc.media.window import RATE, Frame


def encode(path: Path, frames: Iterable[Frame], crf: int) -> None:
    """Write an MP4 with libx264, its rate that of the frames' times, which count from the first one's.

    Raises MediaError MEDIA_TOO_FEW_FRAMES for no frames at all.
    """
    with av.open(str(path), "w") as container:
        stream: av.video.VideoStream | None = None
        for frame in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=RATE, options={"crf": str(crf), "preset": "superfast"})
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                stream.codec_context.thread_count = 1
                if frame.time_base is not None:
                    stream.codec_context.time_base = frame.time_base
            container.mux(stream.encode(frame))
        if stream is None:
            raise MediaError("MEDIA_TOO_FEW_FRAMES", "the edit left no picture", frames=0)
        container.mux(stream.encode(None))
