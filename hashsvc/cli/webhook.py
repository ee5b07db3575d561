"""hashsvc webhook: who is told of what."""

from pathlib import Path

import click

from hashsvc.cli import records
from hashsvc.cli.options import format_option, target_options
from hashsvc.cli.target import Choice

webhook_argument = click.argument("webhook")


@click.group("webhook")
def command() -> None:
    """Say who is told of what: each webhook is a URL that is sent events.

    A server that runs on the data directory delivers them, signed, in order for each entry, and again until they are
    taken. An alert route, to law enforcement for one, is a webhook with the kinds of events that it is to get.
    """


@command.command("add")
@target_options
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Send events of this type; may be repeated.")
@click.option("--bank", default="", metavar="BANK", help="Send only events of this bank.")
@click.option("--description", default="", help="Whom it alerts, and why, for people.")
@click.option(
    "--secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Sign with the secret in this file: whsec_ and 24 to 64 bytes in base64. Without it one is made.",
)
@click.option("--paused", is_flag=True, help="Send nothing until `hashsvc webhook resume`.")
@format_option
@click.argument("url")
def add(
    choice: Choice,
    url: str,
    types: tuple[str, ...],
    bank: str,
    description: str,
    secret_file: Path | None,
    paused: bool,
    output_format: str,
) -> None:
    """Send what happens from now on to URL, and print the secret that signs it: it is told only now.

    \b
    hashsvc webhook add --data bank-data --type org.hashsvc.entry.first-match https://alerts.example/hook
    """
    secret = _secret(secret_file)
    with choice.open() as target:
        made, secret = target.operations.add_webhook(
            url, types=types, bank=bank, description=description, secret=secret, active=not paused
        )
    if output_format == "json":
        click.echo(records.in_json({**records.webhook_record(made), "secret": secret}))
        return
    from hashsvc.cli import tables

    tables.show(tables.webhooks([made]))
    click.echo(f"secret: {secret}")


@command.command("list")
@target_options
@format_option
def list_(choice: Choice, output_format: str) -> None:
    """Show all webhooks, and how far their deliveries have come.

    \b
    hashsvc webhook list --data bank-data
    """
    with choice.open() as target:
        listed = target.operations.list_webhooks()
    if output_format == "json":
        for one in listed:
            click.echo(records.in_json(records.listed_webhook_record(one)))
        return
    from hashsvc.cli import tables

    tables.show(tables.listed_webhooks(listed))


@command.command("pause")
@target_options
@format_option
@webhook_argument
def pause(choice: Choice, webhook: str, output_format: str) -> None:
    """Send WEBHOOK nothing for now; what happens meanwhile is sent after the pause, as far as it is kept.

    \b
    hashsvc webhook pause --data bank-data 00f1a2b3c4d5e6f7
    """
    _update(choice, webhook, False, output_format)


@command.command("resume")
@target_options
@format_option
@webhook_argument
def resume(choice: Choice, webhook: str, output_format: str) -> None:
    """End the pause of WEBHOOK.

    \b
    hashsvc webhook resume --data bank-data 00f1a2b3c4d5e6f7
    """
    _update(choice, webhook, True, output_format)


@command.command("remove")
@target_options
@webhook_argument
def remove(choice: Choice, webhook: str) -> None:
    """Remove WEBHOOK; what it has not been sent yet it is never sent.

    \b
    hashsvc webhook remove --data bank-data 00f1a2b3c4d5e6f7
    """
    with choice.open() as target:
        target.operations.remove_webhook(webhook)


def _update(choice: Choice, webhook: str, active: bool, output_format: str) -> None:
    with choice.open() as target:
        changed = target.operations.update_webhook(webhook, active=active)
    if output_format == "json":
        click.echo(records.in_json(records.webhook_record(changed)))
        return
    from hashsvc.cli import tables

    tables.show(tables.webhooks([changed]))


def _secret(file: Path | None) -> str:
    """From a file, since what stands on a command line is seen by everyone on the machine."""
    if file is None:
        return ""
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{file}: {error}", param_hint="--secret-file") from error
    if not secret:
        raise click.BadParameter(f"{file} is empty", param_hint="--secret-file")
    return secret
