"""How long a video that was confirmed takes to be found in recent uploads, and how many of its copies are."""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import numpy.typing as npt

from benchmarks import corpus
from benchmarks.calibration import footage
from benchmarks.calibration.footage import Clip
from benchmarks.corpus import Video
from benchmarks.report import Report
from hashsvc.battery.catalogue import BY_NAME
from hashsvc.config import DryRunSettings, RecentSettings, Settings
from hashsvc.fingerprint.encoding import decode, encode
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.retro.packing import Recent, pack
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index import Item, Ring

MOST_SECONDS = 60.0
"""For a million uploads, for each entry, on two cores."""
LEAST_RECALL = 0.95
_MILLION = 10**6
_SECONDS = 15.0
"""Of an upload: 30 frames."""
_BATCH = 500
_OWN_BITS, _FRAME_BITS = 12, 4
"""Bits of 256 in which an upload differs from the footage it is made of, all along, and each hash of it besides."""
_POOL = 1 << 14
_DAY = 86400.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--uploads", type=int, default=100_000, help="recent uploads (default: %(default)s)")
    parser.add_argument("--entries", type=int, default=5, help="videos confirmed afterwards (default: %(default)s)")
    parser.add_argument("--entry", action="append", help="confirm this video instead; may be repeated")
    parser.add_argument("--processes", type=int, default=2, help="that search at once (default: %(default)s)")
    parser.add_argument("--videos", type=Path, default=corpus.DEFAULT, help="a folder of videos (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="keep the hashes of the videos here, and use what is there")
    parser.add_argument(
        "--ring", type=Path, help="keep the ring of recent uploads here for a day, and use what is there"
    )


def run(options: argparse.Namespace) -> Report:
    """Hash, fill the ring, confirm, hunt."""
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch) / "work"
        videos = corpus.references(corpus.read(options.videos))
        clips = list(footage.hashed(videos, work))
        chosen = _chosen(clips, options.entry, options.entries)
        others = [one for one in clips if not any(one.related(entry) or one.akin(entry) for entry in chosen)]
        with Sandbox(Settings()) as sandbox:
            by_name = {video.name: video for video in videos}
            copies = {entry.name: _copies(by_name[entry.name], work, sandbox) for entry in chosen}
        return _measured(options.ring or Path(scratch) / "data", options, chosen, others, copies)


def _chosen(clips: Sequence[Clip], names: Sequence[str] | None, entries: int) -> list[Clip]:
    """Those of these names, or some spread over the corpus, which is sorted by kind."""
    if names:
        return [clip for clip in clips if clip.name in names]
    return [clips[place] for place in np.linspace(0, len(clips) - 1, min(entries, len(clips))).astype(int)]


def _copies(video: Video, work: Path, sandbox: Sandbox) -> dict[str, Fingerprint]:
    """A stretch of the video in every edit that entries are tried with, read quickly."""
    kept = work / f"{video.name}-{video.path.stat().st_size}-copies.msgpack"
    if not kept.exists():
        start = max(0.0, video.duration / 2 - _SECONDS / 2)
        window = (start, min(_SECONDS, video.duration - start))
        made = sandbox.rehearse(video.path, [window], edits=tuple(BY_NAME), profile=DEFAULT)
        kept.write_bytes(msgpack.packb({name: encode(copy) for name, _, copy in made}))
    return {name: decode(copy) for name, copy in msgpack.unpackb(kept.read_bytes()).items()}


def _measured(
    data: Path,
    options: argparse.Namespace,
    chosen: Sequence[Clip],
    others: Sequence[Clip],
    copies: dict[str, dict[str, Fingerprint]],
) -> Report:
    # What is confirmed here has hundreds of copies in the ring, on purpose.
    settings = Settings(
        recent=RecentSettings(hunt_processes=options.processes, max_bytes=1 << 40),
        dry_run=DryRunSettings(at_confirm=False),
    )
    began = time.perf_counter()
    if _uploads(data) < options.uploads:
        with Service.open(data, settings) as service:
            for name, made in copies.items():
                for edit, copy in made.items():
                    service.match(copy, content_id=f"{name} {edit}")
            service.match(next(iter(copies[chosen[0].name].values())))
        print(f"filling to {options.uploads} uploads")
        _fill(data, others, options.uploads)
    filling = time.perf_counter() - began
    rows: list[dict[str, Any]] = []
    with Service.open(data, settings) as service:
        for clip in chosen:
            entry = service.confirm(DEFAULT_BANK, clip.reference, external_id=clip.name)
            service.match(clip.reference.digests, min_revision=entry.revision)
            # What the same copies come to when they are uploaded only now.
            forward = {edit for edit, copy in copies[clip.name].items() if _finds(service, copy, entry.entry)}
            processor, began = _processor_seconds(), time.perf_counter()
            hunt = service.hunt(DEFAULT_BANK, entry.entry)
            seconds = time.perf_counter() - began
            hits = [hit.content_id for hit in _hits(service, entry.entry)]
            found = {edit for edit in forward if f"{clip.name} {edit}" in hits}
            rows.append(
                {
                    "entry": clip.name,
                    "hashes": entry.hashes,
                    "uploads": hunt.searched,
                    "seconds": seconds,
                    "processor s": _processor_seconds() - processor,
                    "copies found by a match": len(forward),
                    "of them found by the hunt": len(found),
                    "other uploads found": sum(not hit.startswith(f"{clip.name} ") for hit in hits),
                }
            )
            print(f"{clip.name}: {seconds:.1f} s, {len(found)} of {len(forward)}")
            service.withdraw(DEFAULT_BANK, entry.entry, reason="measured")
    return _report(options, rows, _disk_bytes(data), filling)


def _uploads(data: Path) -> int:
    """How many the ring of a data directory has."""
    ring = Ring.open(data)
    if ring is None:
        return 0
    with ring:
        return ring.stats().items


def _disk_bytes(data: Path) -> float:
    """Of an upload."""
    with Ring.make(data, 0) as ring:
        stats = ring.stats()
    return stats.bytes / stats.items


def _report(options: argparse.Namespace, rows: list[dict[str, Any]], per_upload: float, filling: float) -> Report:
    seconds = [row["seconds"] for row in rows]
    wanted = sum(row["copies found by a match"] for row in rows)
    recall = sum(row["of them found by the hunt"] for row in rows) / max(1, wanted)
    shortfalls: list[str] = []
    shortfalls += [
        f"The hunt for {row['entry']} through {options.uploads} uploads took {row['seconds']:.0f} s by the clock."
        for row in rows
        if row["seconds"] > MOST_SECONDS * max(1.0, options.uploads / _MILLION)
    ]
    if recall < LEAST_RECALL:
        shortfalls.append(f"Of the copies that a match finds hunts find {recall:.3f}.")
    figures = {
        "recent uploads": options.uploads,
        "processes": options.processes,
        "seconds of a hunt, mean": float(np.mean(seconds)),
        "seconds of a hunt, at most": max(seconds),
        "processor seconds of a hunt, mean": float(np.mean([row["processor s"] for row in rows])),
        "processor seconds of a hunt, at most": max(row["processor s"] for row in rows),
        "resident MB of a searching process, at most": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3,
        "disk bytes an upload": per_upload,
        "copies found by a match": wanted,
        "recall against the match": recall,
        "seconds to fill the ring": filling,
    }
    return Report(name="retro_hunt", figures=figures, tables={"Hunts": rows}, shortfalls=shortfalls)


def _finds(service: Service, copy: Fingerprint, entry: str) -> bool:
    return any(match.entry == entry for match in service.match(copy).matches)


def _hits(service: Service, entry: str) -> Iterator[Any]:
    token = ""
    while True:
        page = service.list_hits(DEFAULT_BANK, entry, page_size=1000, page_token=token)
        yield from page.items
        token = page.next_page_token
        if not token:
            return


def _processor_seconds() -> float:
    """Of this process and of those that it has ended."""
    return sum(
        one.ru_utime + one.ru_stime for one in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _fill(data: Path, clips: Sequence[Clip], uploads: int) -> None:
    """Put uploads into the ring, no two equal, made from the footage of clips."""
    random = np.random.default_rng(1)
    templates = [one.fingerprint for clip in clips for one in clip.uploads]
    frame_noise = _noise(random, _FRAME_BITS, _POOL)
    now = time.time()
    with Ring.make(data, 0) as ring:
        for first in range(0, uploads, _BATCH):
            template = _stretch(templates[int(random.integers(len(templates)))], random)
            names = range(first, min(first + _BATCH, uploads))
            items = list(_items(template, names, now, random, frame_noise))
            ring.append(items, written=now, expires=now + _DAY, max_bytes=1 << 40)


def _stretch(upload: Fingerprint, random: np.random.Generator) -> Recent:
    """Some fifteen seconds of an upload."""
    begin = float(random.uniform(0.0, max(0.0, upload.duration - _SECONDS)))
    kept = (upload.starts >= begin) & (upload.starts < begin + _SECONDS)
    starts = upload.starts[kept] - upload.starts[kept][0]
    duration = min(_SECONDS, upload.duration)
    part = Fingerprint(
        profile=upload.profile,
        duration=duration,
        views=upload.views,
        starts=starts,
        ends=np.append(starts[1:], max(duration, starts[-1])),
        hashes=upload.hashes[kept],
        quality=upload.quality[kept],
    )
    return Recent(content_id="", seen_at=0.0, fingerprint=part)


def _items(
    template: Recent, names: Sequence[int], now: float, random: np.random.Generator, frame_noise: npt.NDArray[np.uint8]
) -> Iterator[Item]:
    """The template under other names, each with noise of its own; packed by hand, since `pack` would take most of an hour."""
    item = pack(template)
    fields = msgpack.unpackb(item.body)
    parts = [item.rows, *(np.frombuffer(fields[key], np.uint8).reshape(-1, 32) for key in ("seeds", "hashes"))]
    hashes, ends = np.concatenate(parts), np.cumsum([len(part) for part in parts])
    for name, own in zip(names, _noise(random, _OWN_BITS, len(names)), strict=True):
        noisy = hashes ^ frame_noise[random.integers(0, len(frame_noise), len(hashes))] ^ own
        fields["content_id"] = str(name)
        fields["seen_at"] = now
        fields["seeds"], fields["hashes"] = noisy[ends[0] : ends[1]].tobytes(), noisy[ends[1] :].tobytes()
        yield Item(rows=noisy[: ends[0]], body=bytes(msgpack.packb(fields)))


def _noise(random: np.random.Generator, bits: int, count: int) -> npt.NDArray[np.uint8]:
    """Masks of about so many bits of 256, uint8 (count, 32)."""
    packed: npt.NDArray[np.uint8] = np.packbits(random.random((count, 256)) < bits / 256, axis=1)
    return packed
