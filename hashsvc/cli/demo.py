"""hashsvc demo: all of it at work, on videos made for the purpose."""

from pathlib import Path

import click

MISSED = 1
"""Exit status when a copy was missed or an unrelated video hit."""


@click.command("demo")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-data"),
    show_default=True,
    metavar="DIR",
    help="Where to keep the videos made and the data directory; a second run finds them there.",
)
def command(data: Path) -> None:
    """Confirm a video, then try to upload a dozen edited copies of it and a dozen unrelated videos.

    Makes a stand-in video, edits it as people do, starts a real server, confirms and matches over gRPC, and tells what
    became of each upload and why. Exits with 1 when a copy was missed or an unrelated video was hit.

    \b
    hashsvc demo
    """
    from hashsvc.demo.run import run

    click.get_current_context().exit(0 if run(data) else MISSED)
