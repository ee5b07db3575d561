"""The `local_file` exchange of python-threatexchange: lines of a signal type, a space and the signal.

An entry gives up to three lines: `vpdq`, `video_md5` and `video_sha256`. Single frames are not written as `pdq`: clients
would match them against photos, and one frame proves nothing about a video.

The file says nothing of withdrawal: a client keeps what it once read until `tx fetch --clear`.
"""

from collections.abc import Iterable, Iterator

from hashsvc.exchange import vpdq
from hashsvc.exchange.model import ExportEntry, live


def export(entries: Iterable[ExportEntry]) -> Iterator[str]:
    """The lines of all entries, an entry's together; a signal that an entry does not have is left out."""
    for exported in live(entries):
        # Clients look digests up as they stand, without folding case.
        signals = {
            "vpdq": vpdq.signal(exported.fingerprint),
            "video_md5": exported.entry.md5.lower(),
            "video_sha256": exported.entry.sha256.lower(),
        }
        yield from (f"{name} {value}" for name, value in signals.items() if value)
