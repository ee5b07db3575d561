"""hashsvc match: are these videos known?"""

from pathlib import Path

import click

from hashsvc.bank.model import Verdict
from hashsvc.cli import records
from hashsvc.cli.options import files_argument, format_option, target_options
from hashsvc.cli.target import Choice
from hashsvc.match.model import MatchResult

FOUND = 1
"""Exit status with --exit-code when a verdict is not ALLOW."""


@click.command("match")
@target_options
@click.option("--bank", "banks", multiple=True, metavar="BANK", help="Search only this bank; may be repeated.")
@click.option(
    "--content-id", default="", metavar="ID", help="Your name for the upload, kept with its hashes; one file only."
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 when any verdict is not ALLOW.")
@click.option("--upload", is_flag=True, help="Send the bytes and let the server hash; else only hashes leave here.")
@format_option
@files_argument
def command(
    choice: Choice,
    banks: tuple[str, ...],
    content_id: str,
    exit_code: bool,
    upload: bool,
    output_format: str,
    files: tuple[Path, ...],
) -> None:
    """Match videos against the banks: BLOCK, REVIEW or ALLOW, and why.

    The table names the entry found, how much of the upload shows it and how it was changed, and the evidence: log10 of
    the matches this good that chance would give, so -12 is stronger than -8.

    With --content-id the upload's hashes are kept for a while, and `hashsvc retro` finds it where it shows a video that
    is confirmed only later.

    \b
    hashsvc match --data bank-data upload.mp4
    hashsvc match --data bank-data --content-id post-4711 upload.mp4
    hashsvc match --server 127.0.0.1:50051 --format json --exit-code uploads/*.mp4
    """
    if upload and choice.server is None:
        raise click.UsageError("--upload needs --server")
    if content_id and len(files) > 1:
        raise click.UsageError("--content-id names one upload: give exactly one file")
    from hashsvc.cli import tables
    from hashsvc.cli.batch import Batch, Share

    verdicts: set[Verdict] = set()
    with choice.open(upload=upload) as target:

        def one(file: Path, share: Share) -> MatchResult:
            result = target.match_file(file, banks=banks, content_id=content_id)
            verdicts.add(result.verdict)
            return result

        batch = Batch(
            files, one, jobs=choice.settings.workers.workers, record=records.match_record, table=tables.matches
        )
        status = batch.run(output_format)
    found = exit_code and bool(verdicts - {Verdict.ALLOW})
    click.get_current_context().exit(status or (FOUND if found else 0))
