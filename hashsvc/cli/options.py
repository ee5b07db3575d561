"""Options that commands share."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hashsvc.cli.target import Choice, Proof
from hashsvc.config import Settings
from hashsvc.errors import InvalidInputError

Command = Callable[..., Any]

config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="HASHSVC_CONFIG",
    show_envvar=True,
    help="TOML file with settings; the README lists them.",
)
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="HASHSVC_DATA",
    show_envvar=True,
    metavar="DIR",
    help="Work on this data directory, in this process.",
)
server_option = click.option(
    "--server", envvar="HASHSVC_SERVER", show_envvar=True, metavar="HOST:PORT", help="Ask this server."
)
format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="`table` for people; `json` prints one object a line on stdout and nothing else.",
)
bank_option = click.option("--bank", default="default", show_default=True, metavar="BANK", help="The bank.")
files_argument = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
revision_option = click.option(
    "--revision", type=click.IntRange(min=1), help="Refuse when it has changed since this revision."
)


TOKEN_VARIABLE = "HASHSVC_TOKEN"
"""Environment variable that holds a token: on a command line other users of the machine would see it."""
_MAX_TOKEN_BYTES = 4096


def _file_option(name: str, metavar_help: str) -> Callable[[Command], Command]:
    return click.option(
        f"--{name}",
        name.replace("-", "_"),
        type=click.Path(dir_okay=False, path_type=Path),
        envvar=f"HASHSVC_{name.replace('-', '_').upper()}",
        show_envvar=True,
        metavar="FILE",
        help=metavar_help,
    )


def proof_options(command: Command) -> Command:
    """Add what proves to a server who is asking; the command gets it as `proof`."""

    @_file_option("token-file", f"The token to show to the server is in this file (or in {TOKEN_VARIABLE} itself).")
    @click.option("--tls", is_flag=True, envvar="HASHSVC_TLS", help="Speak TLS, trusting public authorities.")
    @_file_option("ca", "Speak TLS, trusting the authorities in this PEM file.")
    @_file_option("cert", "The client certificate to show, PEM.")
    @_file_option("key", "Its private key, PEM.")
    @functools.wraps(command)
    def proved(
        *args: Any,
        token_file: Path | None,
        tls: bool,
        ca: Path | None,
        cert: Path | None,
        key: Path | None,
        **kwargs: Any,
    ) -> Any:
        token = _token(token_file)
        return command(*args, proof=Proof(token=token, tls=tls, ca=ca, certificate=cert, key=key), **kwargs)

    return proved


def _token(file: Path | None) -> str | None:
    """From the file, else from the environment. Raises InvalidInputError CONFIG_INVALID for what cannot be read."""
    if file is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_TOKEN_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "not a token"
        raise InvalidInputError("CONFIG_INVALID", f"{file}: {cause}", path=file) from error


def target_options(command: Command) -> Command:
    """Add --data, --server, what proves who is asking, and --config; the command gets one `Choice`, its first argument."""

    @data_option
    @server_option
    @proof_options
    @config_option
    @functools.wraps(command)
    def chosen(
        *args: Any, data: Path | None, server: str | None, proof: Proof, config: Path | None, **kwargs: Any
    ) -> Any:
        choice = choose(click.get_current_context(), data, server, Settings.load(config), proof)
        return command(choice, *args, **kwargs)

    return chosen


def choose(ctx: click.Context, data: Path | None, server: str | None, settings: Settings, proof: Proof) -> Choice:
    """Exactly one target; one given as an option wins over one from the environment. Raises click.UsageError."""
    if data is not None and server is not None:
        data_given = ctx.get_parameter_source("data") is ParameterSource.COMMANDLINE
        server_given = ctx.get_parameter_source("server") is ParameterSource.COMMANDLINE
        if data_given == server_given:
            raise click.UsageError("give --data DIR or --server HOST:PORT, not both", ctx)
        data, server = (data, None) if data_given else (None, server)
    if data is None and server is None:
        raise click.UsageError("give --data DIR or --server HOST:PORT (or set HASHSVC_DATA or HASHSVC_SERVER)", ctx)
    return Choice(data=data, server=server, settings=settings, proof=proof)
