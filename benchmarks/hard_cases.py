"""What must not be blocked, and what must not be overlooked, on real footage spliced together.

A short excerpt in a long programme is for people to see. An intro or end card that many entries share says nothing of any.
What an entry's exclusions hold is harmless. Black, white and still pictures are nobody's.
"""

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import corpus
from benchmarks.corpus import Video
from benchmarks.report import Report
from benchmarks.robustness.copies import ffmpeg
from hashsvc.bank.model import Interval, Verdict
from hashsvc.config import Settings
from hashsvc.match.model import MatchResult
from hashsvc.service import DEFAULT_BANK, Service

PROGRAMME, EXCERPT = 600.0, 8.0
"""Seconds; 1.3 % of the programme is known."""
TOLERANCE = 1.0
"""Seconds that an end of the excerpt's interval may be off."""
CARD = 5.0
"""Seconds of a shared intro or end card."""
SHARING = 6
"""Entries that share it."""
PART = 14.0
"""Seconds of each part of an entry made of two."""
_SIZE = "640:360"


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a video, seconds; a colour for a path is a picture of nothing else."""

    source: Path | str
    start: float
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One upload, what should become of it and what did."""

    case: str
    upload: str
    expected: Verdict
    found: Verdict
    right: bool
    """Whether the verdict is as expected, and the intervals, where they have to be."""
    detail: str = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--videos", type=Path, default=corpus.DEFAULT, metavar="DIR", help="any folder of videos")
    parser.add_argument(
        "--excerpts", type=int, default=6, help="videos that an excerpt is taken of (default: %(default)s)"
    )
    parser.add_argument("--work", type=Path, help="keep the spliced videos here, and use what is there")


def run(options: argparse.Namespace) -> Report:
    """Splice, confirm, match, compare with what should be."""
    videos = [video for video in corpus.read(options.videos) if video.alone and video.duration >= EXCERPT]
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        cases = [
            *programmes(work, videos, options.excerpts),
            *cards(work, [video for video in videos if video.duration >= PART]),
            *exclusions(work, [video for video in videos if video.duration >= 2 * PART]),
            *nothing(work, videos),
        ]
    return Report(
        name="hard_cases",
        figures={"uploads": len(cases), "as they should be": sum(one.right for one in cases)},
        tables={"Uploads": [dataclasses.asdict(one) for one in cases]},
        shortfalls=[
            f"{one.case}, {one.upload}: {one.found}, not {one.expected}. {one.detail}" for one in cases if not one.right
        ],
    )


def programmes(work: Path, videos: Sequence[Video], count: int) -> Iterator[Case]:
    """An excerpt in the middle of ten minutes of other footage comes back as REVIEW with its interval."""
    chosen = videos[:: max(1, len(videos) // count)][:count]
    for video in chosen:
        others = [one for one in videos if one not in chosen and one.duration >= EXCERPT]
        before, after = PROGRAMME * 0.4, PROGRAMME * 0.6 - EXCERPT
        start = round(max(0.0, video.duration / 2 - EXCERPT / 2), 1)
        parts = [*filled(others, before), Part(video.path, start, EXCERPT), *filled(others[::-1], after)]
        upload = splice(work / f"programme-{video.name}.mp4", parts)
        with tempfile.TemporaryDirectory() as data, Service.open(Path(data) / "data", Settings()) as service:
            confirm(service, [video.path])
            result = service.match_media(upload)
        right, detail = located(result, before, start)
        yield Case(
            case="excerpt in a programme",
            upload=video.name,
            expected=Verdict.REVIEW,
            found=result.verdict,
            right=right and result.verdict is Verdict.REVIEW,
            detail=detail,
        )


def located(result: MatchResult, query: float, reference: float) -> tuple[bool, str]:
    """Whether the excerpt's interval is told to within TOLERANCE on both sides, and what is told."""
    if len(result.matches) != 1:
        return False, f"{len(result.matches)} matches"
    segments = result.matches[0].segments
    told = (
        min(one.query_start for one in segments),
        max(one.query_end for one in segments),
        min(one.reference_start for one in segments),
        max(one.reference_end for one in segments),
    )
    wanted = (query, query + EXCERPT, reference, reference + EXCERPT)
    off = max(abs(one - other) for one, other in zip(told, wanted, strict=True))
    return off <= TOLERANCE, f"borders off by {off:.2f} s at most"


def cards(work: Path, videos: Sequence[Video]) -> Iterator[Case]:
    """Uploads that share an intro or an end card with all entries are allowed; a copy of an entry is blocked."""
    card, sharing, others = videos[0], videos[1 : 1 + SHARING], videos[1 + SHARING :][:4]
    for kind in ("intro", "end card"):

        def with_card(name: str, video: Video, kind: str = kind) -> Path:
            shared, own = Part(card.path, 0.0, CARD), Part(video.path, 0.0, PART)
            path = work / f"{kind.replace(' ', '-')}-{name}-{video.name}.mp4"
            return splice(path, [shared, own] if kind == "intro" else [own, shared])

        with tempfile.TemporaryDirectory() as data, Service.open(Path(data) / "data", Settings()) as service:
            confirm(service, [with_card("entry", video) for video in sharing])
            uploads = [(video, Verdict.ALLOW) for video in others] + [(sharing[0], Verdict.BLOCK)]
            for video, expected in uploads:
                result = service.match_media(with_card("upload", video))
                yield judged(f"shared {kind}", video.name, expected, result)


def exclusions(work: Path, videos: Sequence[Video]) -> Iterator[Case]:
    """Of an entry of two parts, the first of which is excluded, a copy of the first is allowed and of the second blocked."""
    for harmless, harmful in zip(videos[::2], videos[1::2], strict=False):
        first, second = Part(harmless.path, 0.0, PART), Part(harmful.path, 0.0, PART)
        entry = splice(work / f"two-{harmless.name}-{harmful.name}.mp4", [first, second])
        with tempfile.TemporaryDirectory() as data, Service.open(Path(data) / "data", Settings()) as service:
            made = service.confirm_media(DEFAULT_BANK, entry, external_id="two parts", exclusions=[Interval(0.0, PART)])
            reach(service, made.revision)
            for part, video, expected in (
                ("harmless part", harmless, Verdict.ALLOW),
                ("harmful part", harmful, Verdict.BLOCK),
            ):
                upload = splice(work / f"part-{video.name}.mp4", [Part(video.path, 0.0, PART)])
                yield judged(part, video.name, expected, service.match_media(upload))


def nothing(work: Path, videos: Sequence[Video]) -> Iterator[Case]:
    """Black, white, grey and a still picture match no entry of the corpus."""
    with tempfile.TemporaryDirectory() as data, Service.open(Path(data) / "data", Settings()) as service:
        confirm(service, [video.path for video in videos[:8]])
        for colour in ("black", "white", "gray"):
            upload = splice(work / f"{colour}.mp4", [Part(colour, 0.0, 20.0)])
            yield judged("nothing", colour, Verdict.ALLOW, service.match_media(upload))


def judged(case: str, upload: str, expected: Verdict, result: MatchResult) -> Case:
    """A case of which only the verdict matters."""
    detail = ", ".join(f"{one.external_id[:24]} at {one.evidence:.1f}" for one in result.matches[:2])
    excused = ", ".join(f"{one.seconds:.0f} s excused" for one in result.excused)
    return Case(
        case=case,
        upload=upload,
        expected=expected,
        found=result.verdict,
        right=result.verdict is expected,
        detail=detail or excused,
    )


def confirm(service: Service, paths: Sequence[Path]) -> None:
    """Return when all can be found."""
    for path in paths:
        made = service.confirm_media(DEFAULT_BANK, path, external_id=path.stem)
    reach(service, made.revision)


def reach(service: Service, revision: int) -> None:
    """Wait until a revision is searched."""
    while service.searched_revision < revision:
        time.sleep(0.05)


def filled(videos: Sequence[Video], seconds: float) -> Iterator[Part]:
    """Stretches of these videos, one after the other and over again, that last so long."""
    left, place = seconds, 0
    while left > 0.05:
        video = videos[place % len(videos)]
        length = min(left, video.duration - 0.2, 40.0)
        yield Part(video.path, 0.0, length)
        left, place = left - length, place + 1


def splice(path: Path, parts: Sequence[Part]) -> Path:
    """One video of the parts, 640 x 360 at 25 frames a second; what is there stays."""
    if path.exists():
        return path
    inputs: list[str] = []
    for part in parts:
        if isinstance(part.source, str):
            inputs += ["-f", "lavfi", "-t", f"{part.seconds:.3f}", "-i", f"color={part.source}:s=640x360:r=25"]
        else:
            inputs += ["-ss", f"{part.start:.3f}", "-t", f"{part.seconds:.3f}", "-i", str(part.source)]
    fit = f"scale={_SIZE}:force_original_aspect_ratio=increase,crop={_SIZE},setsar=1,fps=25,format=yuv420p"
    chains = ";".join(f"[{place}:v]{fit},setpts=PTS-STARTPTS[p{place}]" for place in range(len(parts)))
    joined = "".join(f"[p{place}]" for place in range(len(parts)))
    graph = f"{chains};{joined}concat=n={len(parts)}:v=1[out]"
    ffmpeg(inputs, graph, ["-an", "-c:v", "libx264", "-preset", "superfast", "-crf", "26", "-g", "60"], path)
    return path
