"""hashsvc appeal: objections to verdicts."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from hashsvc.cli.options import format_option, revision_option, target_options
from hashsvc.cli.records import in_json
from hashsvc.cli.target import PAGE_SIZE, Choice, every

if TYPE_CHECKING:
    from hashsvc.appeals.model import Appeal

appeal_argument = click.argument("appeal")


@click.group("appeal")
def command() -> None:
    """Open, show and decide appeals against verdicts.

    Whoever opens an appeal may not decide it. One that is upheld puts the entries that stopped the upload in doubt:
    they are disputed, and REVIEW at most, until people reinstate or withdraw them.
    """


@command.command("open")
@target_options
@click.option("--decision", type=click.IntRange(min=1), metavar="NUMBER", help="The verdict that it is against.")
@click.option("--content-id", default="", metavar="ID", help="The upload; without --decision the last verdict on it.")
@click.option("--by", "appellant", default="", metavar="NAME", help="Who objects, as the platform calls them.")
@click.option("--text", required=True, help="What they say.")
@format_option
def open_(choice: Choice, decision: int | None, content_id: str, appellant: str, text: str, output_format: str) -> None:
    """Open an appeal against a decision, or against the last verdict on an upload.

    \b
    hashsvc appeal open --data bank-data --content-id post-4711 --text "it is my own film"
    """
    if decision is None and not content_id:
        raise click.UsageError("give --decision NUMBER or --content-id ID")
    with choice.open() as target:
        opened = target.operations.open_appeal(text, decision=decision or 0, content_id=content_id, appellant=appellant)
    _show([opened], output_format)


@command.command("list")
@target_options
@click.option("--state", type=click.Choice(["open", "upheld", "rejected"]), help="Only those in this state.")
@click.option("--content-id", default="", metavar="ID", help="Only those about this upload.")
@format_option
def list_(choice: Choice, state: str | None, content_id: str, output_format: str) -> None:
    """Show appeals, oldest first.

    \b
    hashsvc appeal list --data bank-data --state open
    """
    with choice.open() as target:
        fetch = target.operations.list_appeals
        found = every(
            lambda token: fetch(state=state or "", content_id=content_id, page_size=PAGE_SIZE, page_token=token)
        )
        _show(found, output_format)


@command.command("show")
@target_options
@format_option
@appeal_argument
def show(choice: Choice, output_format: str, appeal: str) -> None:
    """Show APPEAL, and what was said and decided.

    \b
    hashsvc appeal show --data bank-data 019ac0ffee001234
    """
    with choice.open() as target:
        found = target.operations.get_appeal(appeal)
    _show([found], output_format)
    if output_format == "table":
        click.echo(f"said: {found.text}")
        if found.reason:
            click.echo(f"{found.state}: {found.reason}")


@command.command("decide")
@target_options
@click.option("--upheld/--rejected", required=True, help="Whether the upload should not have been stopped.")
@click.option("--reason", required=True, help="Why; kept with the appeal and in the decision log.")
@click.option(
    "--dispute",
    "disputed",
    multiple=True,
    metavar="BANK/ENTRY",
    callback=lambda _, __, names: [_place(name) for name in names],
    help="Dispute this one of the entries that stopped the upload, not all; repeatable.",
)
@click.option("--dispute-none", is_flag=True, help="Dispute none: they are right, and only this use was lawful.")
@revision_option
@format_option
@appeal_argument
def decide(
    choice: Choice,
    upheld: bool,
    reason: str,
    disputed: list[tuple[str, str]],
    dispute_none: bool,
    revision: int | None,
    output_format: str,
    appeal: str,
) -> None:
    """Uphold or reject APPEAL. Upheld, the entries that stopped the upload are disputed in the same write.

    \b
    hashsvc appeal decide --data bank-data --upheld --reason "it is a film" 019ac0ffee001234
    hashsvc appeal decide --data bank-data --upheld --reason "a news report" --dispute-none 019ac0ffee001234
    """
    if disputed and dispute_none:
        raise click.UsageError("give --dispute or --dispute-none, not both")
    dispute = [] if dispute_none else disputed or None
    with choice.open() as target:
        decided = target.operations.decide_appeal(
            appeal, upheld=upheld, reason=reason, dispute=dispute, revision=revision or 0
        )
    _show([decided], output_format)


@command.command("reinstate")
@target_options
@format_option
@appeal_argument
def reinstate(choice: Choice, output_format: str, appeal: str) -> None:
    """Note that the upload of APPEAL, which was upheld, can be seen again: hashsvc itself keeps no uploads.

    \b
    hashsvc appeal reinstate --data bank-data 019ac0ffee001234
    """
    with choice.open() as target:
        noted = target.operations.reinstate_content(appeal)
    _show([noted], output_format)


def _show(found: "Iterable[Appeal]", output_format: str) -> None:
    from hashsvc.cli import decision_records

    if output_format == "json":
        for one in found:
            click.echo(in_json(decision_records.appeal_record(one)))
        return
    from hashsvc.cli import tables

    tables.show(tables.appeals(found))


def _place(name: str) -> tuple[str, str]:
    """Bank and entry of BANK/ENTRY."""
    bank, _, entry = name.partition("/")
    if not (bank and entry):
        raise click.BadParameter(f"{name!r} is no BANK/ENTRY")
    return bank, entry
