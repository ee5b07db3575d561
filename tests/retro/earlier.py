"""Recent uploads as an earlier version packed them."""

import msgpack
import numpy as np

from hashsvc.fingerprint.profiles import profile_named
from hashsvc.match import seeds
from hashsvc.retro.packing import unpack
from hashsvc_index import Item


def of_version_1(item: Item) -> Item:
    """The same upload with the hashes of all seeding frames as rows, in order of frame, then view."""
    fields, upload = msgpack.unpackb(item.body), unpack(item).fingerprint
    gate = profile_named(upload.profile).quality_gate
    passed = upload.quality >= gate
    seeding = np.unpackbits(np.frombuffer(fields["seeding"], np.uint8), count=upload.frames).astype(bool)
    del fields["seeds"]
    fields.update(version=1, hashes=upload.hashes[passed & ~seeding[:, None]].tobytes())
    return Item(rows=seeds.pick(upload, gate).hashes, body=bytes(msgpack.packb(fields)))
