"""hashsvc confirm: remember videos."""

from pathlib import Path
from typing import Any

import click

from hashsvc.bank import rules
from hashsvc.bank.model import Details, Entry, Interval
from hashsvc.cli import records
from hashsvc.cli.details import changed, details_options
from hashsvc.cli.interval import START_END, interval
from hashsvc.cli.options import bank_option, files_argument, format_option, target_options
from hashsvc.cli.target import Choice


@click.command("confirm")
@target_options
@bank_option
@click.option("--external-id", metavar="ID", help="Your name for the video; one file only.  [default: the file's stem]")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="A label to keep with it; may be repeated.")
@click.option(
    "--exclude",
    "exclusions",
    multiple=True,
    type=interval,
    metavar=START_END,
    help="A harmless part of the video, seconds; no evidence in a match. May be repeated; one file only.",
)
@details_options
@click.option("--incident", metavar="INCIDENT", help="Add the entries to this open incident.")
@click.option("--upload", is_flag=True, help="Send the bytes and let the server hash; else only hashes leave here.")
@click.option(
    "--vaccinate", is_flag=True, help="Attack each entry with edited copies and strengthen it; minutes, --data only."
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Confirm nothing: say what the video would find, how surely, and whether that takes a second person.",
)
@format_option
@files_argument
def command(
    choice: Choice,
    bank: str,
    external_id: str | None,
    labels: tuple[str, ...],
    exclusions: tuple[Interval, ...],
    incident: str | None,
    upload: bool,
    vaccinate: bool,
    dry_run: bool,
    output_format: str,
    files: tuple[Path, ...],
    **given: Any,
) -> None:
    """Confirm videos: hash each densely and put it into a bank.

    When the command returns, the entries are on disk, and a server on the same data directory knows them within a
    second. Confirming a file again under the same external id, with the same exclusions, gives the
    entry that is there.

    --exclude names what innocent uploads may show as well: the drive before the attack, a news intro. An upload of
    nothing else is ALLOW, with the reason said. `hashsvc entry exclude` changes it later.

    With --upload the server then vaccinates the entry in the background: it makes edited copies, adds readings where
    one would be missed, and leaves a robustness card for `hashsvc entry show`. With --data, --vaccinate does it here.

    With --dry-run nothing is written: the table names the recent uploads, matched with a content id, and the known-good
    videos that would be found. A confirm looks, too, for half a second: what finds too many of them becomes a candidate,
    with the reason, and somebody else has to approve it. Nothing forces that but the second person.

    \b
    hashsvc confirm --data bank-data --dry-run attack.mp4
    hashsvc confirm --data bank-data --label incident-7 attack.mp4
    hashsvc confirm --data bank-data --exclude 0-30 --exclude 95.5-110 attack.mp4
    hashsvc confirm --data bank-data --partner TAT --partner-id 4711 --review-by 2027-06-30 attack.mp4
    hashsvc confirm --data bank-data --incident town-square attack.mp4
    hashsvc confirm --data bank-data --vaccinate attack.mp4
    hashsvc confirm --server 127.0.0.1:50051 --bank drills --format json a.mp4 b.mp4
    """
    if external_id is not None and len(files) > 1:
        raise click.UsageError("--external-id names one video: give exactly one file")
    if exclusions and len(files) > 1:
        raise click.UsageError("--exclude speaks of one video: give exactly one file")
    details = changed(Details(), given)
    if upload and choice.server is None:
        raise click.UsageError("--upload needs --server")
    if vaccinate and choice.data is None:
        raise click.UsageError("--vaccinate needs --data; a server does it by itself after --upload")
    if dry_run and (upload or vaccinate or incident):
        raise click.UsageError(
            "--dry-run hashes here and writes nothing: leave out --upload, --vaccinate and --incident"
        )
    from hashsvc.cli import tables
    from hashsvc.cli.batch import Batch, Share

    with choice.open(create=not dry_run, upload=upload) as target:
        if dry_run:
            trial = Batch(
                files,
                lambda file, share: target.dry_run_file(
                    bank, file, exclusions=exclusions, labels=labels, progress=share
                ),
                jobs=choice.settings.workers.workers,
                record=records.dry_run_record,
                table=tables.dry_runs,
            )
            click.get_current_context().exit(trial.run(output_format))

        if incident:
            # Neither should take a hashing to find out: whether there is one, and whether it can have the bank's entries.
            target.operations.get_incident(incident)
            rules.check_hunting(target.operations.get_bank(bank), "no incident has its entries")

        def one(file: Path, share: Share) -> Entry:
            entry = confirmed(file, share)
            if incident:
                target.operations.add_to_incident(incident, [(bank, entry.entry)])
            return entry

        def confirmed(file: Path, share: Share) -> Entry:
            name = file.stem if external_id is None else external_id
            if not vaccinate or target.vaccinate is None:
                return target.confirm_file(
                    bank,
                    file,
                    external_id=name,
                    labels=labels,
                    details=details,
                    exclusions=exclusions,
                    progress=share,
                )
            # Hashing takes about a fifth of the whole.
            entry = target.confirm_file(
                bank,
                file,
                external_id=name,
                labels=labels,
                details=details,
                exclusions=exclusions,
                progress=lambda done: share(done * 0.2),
            )
            return target.vaccinate(bank, entry.entry, file, progress=lambda done: share(0.2 + done * 0.8))

        batch = Batch(
            files, one, jobs=choice.settings.workers.workers, record=records.confirm_record, table=tables.confirmed
        )
        status = batch.run(output_format)
    click.get_current_context().exit(status)
