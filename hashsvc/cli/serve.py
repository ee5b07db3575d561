"""hashsvc serve: answer over gRPC."""

from pathlib import Path

import click

from hashsvc.cli.options import config_option, data_option
from hashsvc.config import Settings


@click.command("serve")
@data_option
@click.option("--listen", default="127.0.0.1:50051", show_default=True, metavar="HOST:PORT", help="Where to listen.")
@config_option
def command(data: Path | None, listen: str, config: Path | None) -> None:
    """Serve a data directory over gRPC until SIGTERM or SIGINT.

    Listens at once and reports NOT_SERVING until the index has caught up with the store. On SIGTERM it takes no new
    calls, finishes those that run, and exits 0. There is no TLS and no authentication yet: keep it on the loopback or
    behind something that has both.

    \b
    hashsvc serve --data bank-data
    hashsvc serve --data bank-data --listen 127.0.0.1:6000 --config hashsvc.toml
    """
    if data is None:
        raise click.UsageError("give --data DIR (or set HASHSVC_DATA)", click.get_current_context())
    settings = Settings.load(config)
    from hashsvc.server import serve

    serve(data, listen, settings)
