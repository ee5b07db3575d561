"""The `videohash` signal: makes videohash 3.0.1 run with today's Pillow and a packaged ffmpeg, in a process of its own.

videohash calls `PIL.Image.ANTIALIAS`, which Pillow 10 removed, finds `ffmpeg` on PATH, builds shell command lines from
paths, and sets no bound on time. So this file is also a program: it is started with a scratch directory as its working
directory, sees only relative paths made here, gets the missing attribute and a PATH with the packaged ffmpeg, and is
killed with all its children when its time is up. Nothing changes in the process that calls `videohash_of`.
"""

import importlib.util
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import structlog

SECONDS = 300.0
"""How long one video may take, wall time."""

_log = structlog.get_logger(__name__)


def available() -> bool:
    """True when the extra `hashsvc[videohash]` is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("videohash", "imageio_ffmpeg"))


def videohash_of(path: Path, *, seconds: float = SECONDS) -> str:
    """videohash of the video at `path`: `0x` and 16 hex digits.

    Empty when the extra is not installed, or when videohash cannot make anything of the video within `seconds`; the
    reason is logged. The signal is for exchange only, so a video without it is still a video.
    """
    if not available():
        _log.debug("videohash not taken", why="the extra hashsvc[videohash] is not installed")
        return ""
    try:
        with tempfile.TemporaryDirectory(prefix="hashsvc-videohash-") as scratch:
            _furnish(Path(scratch), path)
            return _run(Path(scratch), seconds)
    except (OSError, RuntimeError, ValueError) as error:
        _log.warning("videohash not taken", why=f"{type(error).__name__}: {error}")
        return ""


def _furnish(scratch: Path, video: Path) -> None:
    """Put `upload`, a link to the video, and `bin/ffmpeg` into the scratch directory.

    `bin/ffmpeg` is a script and not a link, because the options that keep ffmpeg to this one file come first.
    """
    import imageio_ffmpeg  # belongs to the extra

    from hashsvc.media.probe import FORMATS  # not at the top: the program has no use for a decoder

    (scratch / "upload").symlink_to(video.resolve(strict=True))
    options = f"-hide_banner -nostdin -threads 2 -protocol_whitelist file -format_whitelist {FORMATS}"
    program = scratch / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(imageio_ffmpeg.get_ffmpeg_exe())} {options} "$@"\n')
    program.chmod(0o700)


def _run(scratch: Path, seconds: float) -> str:
    """Start this file as a program in `scratch` and read its one line; raises RuntimeError when it has none."""
    environment = os.environ | {"PATH": f"bin{os.pathsep}{os.defpath}", "TMPDIR": str(scratch), "HOME": str(scratch)}
    with subprocess.Popen(
        [sys.executable, "-P", __file__, str(seconds), str(os.getpid())],
        cwd=scratch, env=environment, process_group=0,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
    ) as process:  # fmt: skip
        try:
            output, complaint = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"took longer than {seconds:g} s") from error
        finally:
            if process.returncode is None:  # not waited for, so the number is still its own
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0 or not output:
        raise RuntimeError(complaint.strip()[-500:] or f"exit status {process.returncode}")
    return f"0x{int(output, 16):016x}"  # videohash drops leading zeros


def _main(seconds: float, caller: int) -> None:
    """Print the hash of `upload` in the working directory, for the process `caller`."""
    # Should the caller be killed, this group must still come to an end.
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, seconds + 5.0)
    threading.Thread(target=_end_with, args=(caller,), daemon=True).start()

    from PIL import Image

    vars(Image).setdefault("ANTIALIAS", Image.Resampling.LANCZOS)  # the same filter under its older name

    from videohash import VideoHash

    class LinkedVideoHash(VideoHash):  # type: ignore[misc]  # untyped
        """videohash copies the whole file before it reads it; a link will do."""

        def _copy_video_to_video_dir(self) -> None:
            self.video_path = f"{self.video_dir}video"
            Path(self.video_path).symlink_to(Path("upload").resolve())

    Path("work").mkdir()
    print(LinkedVideoHash(path="upload", storage_path=f"work{os.sep}").hash_hex)


def _end_with(caller: int) -> None:
    """Kill this group, ffmpeg included, soon after the calling process has gone: the sandbox kills its workers."""
    while os.getppid() == caller:
        time.sleep(0.2)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _main(float(sys.argv[1]), int(sys.argv[2]))
