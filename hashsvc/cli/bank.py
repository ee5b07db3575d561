"""hashsvc bank: make, read and change banks."""

import dataclasses
from collections.abc import Callable
from typing import Any

import click

from hashsvc.bank.model import Bank, BankMode, Depth, Policy, Rule
from hashsvc.bank.rule_text import rule_of
from hashsvc.cli import records
from hashsvc.cli.options import format_option, revision_option, target_options
from hashsvc.cli.target import PAGE_SIZE, Choice, Operations, every
from hashsvc.errors import InvalidInputError

bank_argument = click.argument("bank")


def _rule(text: str) -> Rule:
    """The `type` of an option. Raises click.BadParameter for what is no rule."""
    try:
        return rule_of(text)
    except InvalidInputError as error:
        raise click.BadParameter(error.message) from error


def policy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The rules of a policy, its thresholds and its depth; None where not given."""
    for option in (
        click.option(
            "--rule",
            "rules",
            multiple=True,
            type=_rule,
            callback=lambda _, __, value: value or None,
            metavar="RULE",
            help="'VERDICT if CONDITIONS', in place of the rules before; may be repeated, the first that applies decides.",
        ),
        click.option(
            "--depth",
            type=click.Choice([one.value for one in Depth]),
            callback=lambda _, __, value: None if value is None else Depth(value),
            help="Read uploads quickly, deeply after a hint, or always deeply.",
        ),
        click.option("--review-evidence", type=float, help="REVIEW needs evidence at or below this."),
        click.option("--block-coverage", type=float, help="BLOCK needs this share of the upload matched, 0-1."),
        click.option("--block-evidence", type=float, help="BLOCK needs evidence at or below this; it is negative."),
    ):
        command = option(command)
    return command


two_person_option = click.option(
    "--two-person/--one-person", default=None, help="Whether an entry takes a second person's approval."
)

taxonomy_option = click.option(
    "--taxonomy-only/--free-labels",
    default=None,
    help="Whether entries are given labels of the taxonomy only; `hashsvc labels` lists them.",
)
mode_option = click.option(
    "--mode",
    type=click.Choice([one.value for one in BankMode]),
    callback=lambda _, __, value: None if value is None else BankMode(value),
    help="`enforce` verdicts, `observe` and tell them only, or `allow` what its entries explain; the last is for good.",
)


@click.group("bank")
def command() -> None:
    """Make, read and change banks.

    A bank is a named set of entries with a policy: how strong the evidence must be, and how much of an upload must
    match, for REVIEW and for BLOCK, and how closely uploads are read.

    A rule gives a verdict to what meets all of its conditions: evidence at or below a number, at least a share of the
    upload or so many seconds of it matched, any of some labels on the entry. The first rule that applies decides, and
    where none does the thresholds do.

    A bank that observes tells what it would do and does nothing. An allow bank holds what is harmless and looks like what
    is not: what its entries explain as well is no match of another bank's.
    """


@command.command("create")
@target_options
@click.option("--description", default="", help="What it holds, for people.")
@two_person_option
@mode_option
@taxonomy_option
@policy_options
@format_option
@bank_argument
def create(
    choice: Choice,
    bank: str,
    description: str,
    two_person: bool | None,
    mode: BankMode | None,
    taxonomy_only: bool | None,
    output_format: str,
    **policy: Any,
) -> None:
    """Create the bank BANK: lower-case letters, digits and hyphens.

    \b
    hashsvc bank create --data bank-data drills --description "made by us" --block-coverage 0.3
    hashsvc bank create --data bank-data attacks --two-person
    hashsvc bank create --data bank-data training-films --mode allow --two-person
    hashsvc bank create --data bank-data news --rule 'block if share>=0.9 seconds>=20' --rule 'review if evidence<=-6' --rule allow
    """
    with choice.open(create=True) as target:
        made = target.operations.create_bank(
            bank,
            description=description,
            policy=_changed(Policy(), policy),
            two_person=bool(two_person),
            mode=mode or BankMode.ENFORCE,
            taxonomy_only=bool(taxonomy_only),
        )
    _show([made], output_format)


@command.command("get")
@target_options
@format_option
@bank_argument
def get(choice: Choice, bank: str, output_format: str) -> None:
    """Show one bank.

    \b
    hashsvc bank get --data bank-data default
    """
    with choice.open() as target:
        found = target.operations.get_bank(bank)
    _show([found], output_format)


@command.command("list")
@target_options
@format_option
def list_(choice: Choice, output_format: str) -> None:
    """Show all banks.

    \b
    hashsvc bank list --server 127.0.0.1:50051 --format json
    """
    with choice.open() as target:
        fetch = target.operations.list_banks
        found = list(every(lambda token: fetch(page_size=PAGE_SIZE, page_token=token)))
    _show(found, output_format)


@command.command("update")
@target_options
@click.option("--description", help="What it holds, for people.")
@two_person_option
@mode_option
@taxonomy_option
@policy_options
@click.option("--no-rules", is_flag=True, help="Have no rules any more.")
@revision_option
@format_option
@bank_argument
def update(
    choice: Choice,
    bank: str,
    description: str | None,
    two_person: bool | None,
    mode: BankMode | None,
    taxonomy_only: bool | None,
    no_rules: bool,
    revision: int | None,
    output_format: str,
    **policy: Any,
) -> None:
    """Change what is given of a bank's description and policy, and leave the rest.

    \b
    hashsvc bank update --data bank-data default --block-coverage 0.4
    hashsvc bank update --data bank-data default --rule 'block if evidence<=-6 seconds>=5 label=incident-7'
    """
    if no_rules:
        if policy["rules"]:
            raise click.UsageError("give --rule or --no-rules, not both")
        policy["rules"] = ()
    plain = {"description": description, "two_person": two_person, "mode": mode, "taxonomy_only": taxonomy_only}
    if all(value is None for value in (*plain.values(), *policy.values())):
        raise click.UsageError(
            "nothing to change: give --description, --two-person, --mode, --taxonomy-only, --depth, --rule or a threshold"
        )
    with choice.open() as target:
        changed = _update(target.operations, bank, plain, policy, revision)
    _show([changed], output_format)


def _update(
    operations: Operations, bank: str, plain: dict[str, Any], policy: dict[str, Any], revision: int | None
) -> Bank:
    """One field of a policy is read, changed and written under the revision read, so that nobody's change is lost."""
    if all(value is None for value in policy.values()):
        return operations.update_bank(bank, **plain, revision=revision or 0)
    now = operations.get_bank(bank)
    return operations.update_bank(bank, **plain, policy=_changed(now.policy, policy), revision=revision or now.revision)


def _changed(policy: Policy, given: dict[str, Any]) -> Policy:
    return dataclasses.replace(policy, **{name: value for name, value in given.items() if value is not None})


def _show(banks: list[Bank], output_format: str) -> None:
    if output_format == "json":
        for bank in banks:
            click.echo(records.in_json(records.bank_record(bank)))
        return
    from hashsvc.cli import tables

    tables.show(tables.banks(banks))
