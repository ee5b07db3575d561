"""The demo, told step by step: make videos, serve, confirm, match, say what happened."""

import dataclasses
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from hashsvc.bank.model import Entry, Verdict
from hashsvc.client import Client
from hashsvc.demo import films
from hashsvc.demo.films import Film, Films
from hashsvc.demo.process import running
from hashsvc.match import words
from hashsvc.match.model import MatchResult

PIPED_WIDTH = 140
BANK = "default"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload and what became of it."""

    film: Film
    wanted: Verdict
    result: MatchResult
    milliseconds: float

    @property
    def right(self) -> bool:
        """True when the verdict is the one that the film deserves."""
        return self.result.verdict is self.wanted


def run(folder: Path) -> bool:
    """Run it with everything kept under `folder`; True when every copy was blocked and nothing else was touched.

    Raises HashsvcError where the service does.
    """
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    began = time.monotonic()
    made = _make(folder, console)
    console.print(f"  {len(made.all())} videos in {time.monotonic() - began:.0f} s, kept in {folder / 'videos'}\n")
    console.print("[bold]2.[/] Starting a server ([cyan]hashsvc serve[/]) and confirming the original over gRPC.")
    data = folder / "bank"
    with running(data, folder / "server.log") as address, Client(address) as client:
        began = time.monotonic()
        entry = client.confirm_file(BANK, made.original.path, external_id="attack-original", labels=["demo"])
        seconds = time.monotonic() - began
        console.print(f"  server at {address}; log in {folder / 'server.log'}")
        console.print(_confirmed(entry, seconds) + "\n")
        console.print("[bold]3.[/] Uploading everything else: hashed on this side, only hashes go to the server.")
        uploads = _match(client, made, entry, console)
    console.print(_table(uploads))
    right = _sum_up(uploads, console)
    _next(folder, data, entry, console)
    return right


def _make(folder: Path, console: Console) -> Films:
    made = films.planned(folder / "videos")
    console.print(
        "[bold]1.[/] Making a stand-in for a known attack video, "
        f"{len(made.copies)} edited copies and {len(made.unrelated)} unrelated videos."
    )
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("making videos", total=len(made.all()))
        for _ in films.make(made):
            progress.advance(task)
    return made


def _confirmed(entry: Entry, seconds: float) -> str:
    return (
        f'  confirmed "{entry.external_id}" as entry {entry.entry}: {entry.duration:.0f} s of video, {entry.frames} frames, '
        f"{entry.hashes} hashes, revision {entry.revision}; {seconds:.1f} s"
    )


def _match(client: Client, made: Films, entry: Entry, console: Console) -> list[Upload]:
    """One upload after the other, so that the milliseconds mean something."""
    expected = [(film, Verdict.BLOCK) for film in made.copies] + [(film, Verdict.ALLOW) for film in made.unrelated]
    uploads = []
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        for film, wanted in progress.track(expected, description="uploading"):
            began = time.perf_counter()
            result = client.match_file(film.path, min_revision=entry.revision)
            spent = (time.perf_counter() - began) * 1000
            uploads.append(Upload(film=film, wanted=wanted, result=result, milliseconds=spent))
    return uploads


def _table(uploads: Sequence[Upload]) -> Table:
    table = Table(header_style="bold")
    for name in ("upload", "what it is", "verdict", "why"):
        table.add_column(name)
    table.add_column("ms", justify="right")
    colours = {Verdict.BLOCK: "bold red", Verdict.REVIEW: "yellow", Verdict.ALLOW: "green"}
    for place, upload in enumerate(uploads):
        table.add_row(
            upload.film.path.name,
            upload.film.title,
            Text(upload.result.verdict, style=colours[upload.result.verdict]) + ("" if upload.right else " (wrong)"),
            words.strongest(upload.result),
            f"{upload.milliseconds:.0f}",
            end_section=place + 1 < len(uploads) and uploads[place + 1].wanted is not upload.wanted,
        )
    return table


def _sum_up(uploads: Sequence[Upload], console: Console) -> bool:
    copies = [upload for upload in uploads if upload.wanted is Verdict.BLOCK]
    others = [upload for upload in uploads if upload.wanted is Verdict.ALLOW]
    times = sorted(upload.milliseconds for upload in uploads)
    console.print(
        f"[bold]copies blocked {sum(upload.right for upload in copies)}/{len(copies)}, "
        f"unrelated allowed {sum(upload.right for upload in others)}/{len(others)}[/]; "
        f"median {times[len(times) // 2]:.0f} ms an upload, hashing included\n"
    )
    return all(upload.right for upload in uploads)


def _next(folder: Path, data: Path, entry: Entry, console: Console) -> None:
    """Commands that work as they stand, on what the demo left behind."""
    program = "hashsvc" if shutil.which("hashsvc") else str(Path(sys.argv[0]))
    commands = (
        ("look at one answer closely", f"match --data {data} --format json {folder}/videos/copy-mirror.mp4"),
        ("see what is in the bank", f"entry list --data {data}"),
        ("put your own video in", f"confirm --data {data} YOUR.mp4"),
        ("take the demo's entry out again", f"entry withdraw --data {data} --reason demo {entry.entry}"),
        ("serve it", f"serve --data {data}"),
    )
    console.print("[bold]Next:[/]")
    for purpose, command in commands:
        console.print(Text(f"  {program} {command}", style="cyan"), Text(f"# {purpose}", style="dim"), soft_wrap=True)
