"""hashsvc incident: entries that are watched together while they spread."""

from collections.abc import Iterable
from pathlib import Path

import click

from hashsvc.bank.incident import DEFAULT_BREAKER_HITS, DEFAULT_HOURS, Incident
from hashsvc.bank.model import Depth
from hashsvc.cli import records
from hashsvc.cli.options import bank_option, format_option, revision_option, target_options
from hashsvc.cli.target import PAGE_SIZE, Choice, every

incident_argument = click.argument("incident")
hours_option = click.option(
    "--hours", type=float, default=DEFAULT_HOURS, show_default=True, help="It closes by itself after so many hours."
)
reason_option = click.option("--reason", default="", help="Why; kept with the incident and in the decision log.")


@click.group("incident")
def command() -> None:
    """Watch entries together while they spread.

    While an incident is open, uploads are read deeply for the banks of its entries, its entries may block more uploads
    than usual before a breaker trips, and what becomes of uploads that show them is counted. It closes by itself.
    """


@command.command("open")
@target_options
@bank_option
@click.option("--description", default="", help="What happened, for people.")
@reason_option
@click.option(
    "--depth",
    type=click.Choice([one.value for one in Depth]),
    default=Depth.DEEP.value,
    show_default=True,
    callback=lambda _, __, value: Depth(value),
    help="Read uploads so closely for the banks of its entries, where the banks ask for less.",
)
@click.option(
    "--breaker-hits",
    type=click.IntRange(min=1),
    default=DEFAULT_BREAKER_HITS,
    show_default=True,
    help="Different uploads that each of its entries may block within the breaker's window.",
)
@hours_option
@format_option
@incident_argument
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
def open_(
    choice: Choice,
    bank: str,
    description: str,
    reason: str,
    depth: Depth,
    breaker_hits: int,
    hours: float,
    output_format: str,
    incident: str,
    entries: tuple[str, ...],
) -> None:
    """Open the incident INCIDENT, with entries of one bank; `hashsvc incident add` adds those of others.

    Its name has lower-case letters, digits and hyphens, and is used once.

    \b
    hashsvc incident open --data bank-data --reason "live stream, 17:40" town-square ENTRY
    """
    with choice.open() as target:
        made = target.operations.open_incident(
            incident,
            description=description,
            reason=reason,
            entries=_places(bank, entries),
            depth=depth,
            breaker_hits=breaker_hits,
            hours=hours,
        )
    _show([made], output_format)


@command.command("list")
@target_options
@click.option("--all", "also_closed", is_flag=True, help="Also those that are closed.")
@format_option
def list_(choice: Choice, also_closed: bool, output_format: str) -> None:
    """Show the incidents that are open.

    \b
    hashsvc incident list --data bank-data --all
    """
    with choice.open() as target:
        fetch = target.operations.list_incidents
        found = every(lambda token: fetch(page_size=PAGE_SIZE, page_token=token))
        listed = [one for one in found if one.closed_at is None or also_closed]
    _show(listed, output_format)


@command.command("show")
@target_options
@format_option
@incident_argument
def show(choice: Choice, output_format: str, incident: str) -> None:
    """Show INCIDENT and what was counted of it: in all, by entry and by hour.

    \b
    hashsvc incident show --data bank-data town-square
    """
    with choice.open() as target:
        found, counts = target.operations.get_incident(incident)
    if output_format == "json":
        click.echo(records.in_json({**records.incident_record(found), "counts": records.counts_record(counts)}))
        return
    from hashsvc.cli import tables

    tables.show(tables.one_incident(found, counts))
    tables.show(tables.incident_entries(counts))
    tables.show(tables.incident_hours(counts))


@command.command("add")
@target_options
@bank_option
@revision_option
@format_option
@incident_argument
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
def add(
    choice: Choice, bank: str, revision: int | None, output_format: str, incident: str, entries: tuple[str, ...]
) -> None:
    """Add entries of one bank to INCIDENT.

    \b
    hashsvc incident add --data bank-data --bank attacks town-square ENTRY ENTRY
    """
    with choice.open() as target:
        changed = target.operations.add_to_incident(incident, _places(bank, entries), revision=revision or 0)
    _show([changed], output_format)


@command.command("remove")
@target_options
@bank_option
@revision_option
@format_option
@incident_argument
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
def remove(
    choice: Choice, bank: str, revision: int | None, output_format: str, incident: str, entries: tuple[str, ...]
) -> None:
    """Remove entries of one bank, which do not belong there, and what was counted of them.

    \b
    hashsvc incident remove --data bank-data town-square ENTRY
    """
    with choice.open() as target:
        changed = target.operations.remove_from_incident(incident, _places(bank, entries), revision=revision or 0)
    _show([changed], output_format)


@command.command("update")
@target_options
@click.option("--hours", type=float, required=True, help="It closes by itself so many hours from now.")
@reason_option
@revision_option
@format_option
@incident_argument
def update(choice: Choice, hours: float, reason: str, revision: int | None, output_format: str, incident: str) -> None:
    """Have INCIDENT, which is open, close by itself later, or sooner.

    \b
    hashsvc incident update --data bank-data --hours 168 --reason "copies still come" town-square
    """
    with choice.open() as target:
        changed = target.operations.extend_incident(incident, hours=hours, reason=reason, revision=revision or 0)
    _show([changed], output_format)


@command.command("reopen")
@target_options
@hours_option
@reason_option
@revision_option
@format_option
@incident_argument
def reopen(choice: Choice, hours: float, reason: str, revision: int | None, output_format: str, incident: str) -> None:
    """Open INCIDENT again, which was closed. What was counted stays, and counting goes on.

    \b
    hashsvc incident reopen --data bank-data --reason "a new cut of it" town-square
    """
    with choice.open() as target:
        changed = target.operations.reopen_incident(incident, hours=hours, reason=reason, revision=revision or 0)
    _show([changed], output_format)


@command.command("close")
@target_options
@reason_option
@revision_option
@format_option
@incident_argument
def close(choice: Choice, reason: str, revision: int | None, output_format: str, incident: str) -> None:
    """Close INCIDENT. Its entries stay where they are.

    \b
    hashsvc incident close --data bank-data --reason "no copies since Monday" town-square
    """
    with choice.open() as target:
        closed = target.operations.close_incident(incident, reason=reason, revision=revision or 0)
    _show([closed], output_format)


@command.command("debrief")
@target_options
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write INCIDENT.md and its figure, INCIDENT.svg, into this folder.",
)
@incident_argument
def debrief(choice: Choice, output: Path | None, incident: str) -> None:
    """Write the report on INCIDENT: Markdown, on stdout unless --output is given.

    \b
    hashsvc incident debrief --data bank-data --output reports town-square
    """
    with choice.open() as target:
        report = target.operations.debrief_incident(incident)
    if output is None:
        click.echo(report.markdown, nl=False)
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in ((f"{report.incident}.md", report.markdown), (f"{report.incident}.svg", report.figure)):
            (output / name).write_text(text, encoding="utf-8")
            click.echo(str(output / name))
    except OSError as error:
        raise click.UsageError(f"{error.filename}: {error.strerror}") from error


def _places(bank: str, entries: Iterable[str]) -> list[tuple[str, str]]:
    return [(bank, entry) for entry in entries]


def _show(incidents: list[Incident], output_format: str) -> None:
    if output_format == "json":
        for one in incidents:
            click.echo(records.in_json(records.incident_record(one)))
        return
    from hashsvc.cli import tables

    tables.show(tables.incidents(incidents))
