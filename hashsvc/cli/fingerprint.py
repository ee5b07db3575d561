"""hashsvc fingerprint: hash videos and look nothing up."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hashsvc.cli import records
from hashsvc.cli.options import config_option, files_argument, format_option
from hashsvc.config import Settings
from hashsvc.fingerprint.reading import Reading

if TYPE_CHECKING:
    from hashsvc.fingerprint.model import Fingerprint


@click.command("fingerprint")
@click.option(
    "--reading",
    type=click.Choice([one.value for one in Reading]),
    default=Reading.QUICK.value,
    show_default=True,
    help="As a reference to be confirmed, or as an upload quickly or deeply.",
)
@click.option("--data", metavar="DIR", hidden=True, expose_value=False)
@click.option("--server", metavar="HOST:PORT", hidden=True, expose_value=False)
@config_option
@format_option
@files_argument
def command(reading: str, config: Path | None, output_format: str, files: tuple[Path, ...]) -> None:
    """Fingerprint videos on this machine and print what came out; no bank is read or changed.

    The table sums up; `--format json` has every hash (PDQ, hex) with its time, view and quality. Since nothing is
    looked up, --data and --server are accepted and change nothing.

    \b
    hashsvc fingerprint upload.mp4
    hashsvc fingerprint --reading reference --format json attack.mp4
    """
    settings = Settings.load(config)
    from hashsvc.cli import tables
    from hashsvc.cli.batch import Batch, Share
    from hashsvc.fingerprint.sandbox import Sandbox

    sandbox = Sandbox(settings)
    try:

        def one(file: Path, share: Share) -> "Fingerprint":
            return sandbox.fingerprint(file, Reading(reading), progress=share)

        batch = Batch(
            files, one, jobs=settings.workers.workers, record=records.fingerprint_record, table=tables.fingerprints
        )
        status = batch.run(output_format)
    finally:
        sandbox.close()
    click.get_current_context().exit(status)
