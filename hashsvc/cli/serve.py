"""hashsvc serve: answer over gRPC."""

import dataclasses
import os
from pathlib import Path

import click

from hashsvc.cli.options import config_option, data_option
from hashsvc.config import Settings


@click.command("serve")
@data_option
@click.option("--listen", default="127.0.0.1:50051", show_default=True, metavar="HOST:PORT", help="Where to listen.")
@click.option("--cert", metavar="FILE", help="Speak TLS with this certificate, PEM; read anew when it changes.")
@click.option("--key", metavar="FILE", help="Its private key, PEM.")
@click.option("--client-ca", metavar="FILE", help="Ask clients for certificates of these authorities, PEM.")
@click.option("--insecure", is_flag=True, help="Start also where other machines could reach it unprotected.")
@config_option
def command(
    data: Path | None,
    listen: str,
    cert: str | None,
    key: str | None,
    client_ca: str | None,
    insecure: bool,
    config: Path | None,
) -> None:
    """Serve a data directory over gRPC until SIGTERM or SIGINT.

    Listens at once and reports NOT_SERVING until the index has caught up with the store. On SIGTERM it takes no new
    calls, finishes those that run, and exits 0.

    On the loopback it lets anybody in until a token was made or TLS is configured. On another address it starts only
    with TLS and with tokens or a client authority, or with --insecure.

    \b
    hashsvc serve --data bank-data
    hashsvc serve --data bank-data --listen 127.0.0.1:6000 --config hashsvc.toml
    hashsvc serve --data bank-data --listen 0.0.0.0:50051 --cert server.pem --key server.key
    """
    if data is None:
        raise click.UsageError("give --data DIR (or set HASHSVC_DATA)", click.get_current_context())
    settings = Settings.load(config)
    known = settings.tls
    tls = dataclasses.replace(
        known,
        certificate=known.certificate if cert is None else cert,
        key=known.key if key is None else key,
        client_ca=known.client_ca if client_ca is None else client_ca,
    )
    # Every match has a thread already: threads of numpy's own, read when it is imported, would wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from hashsvc.server import serve

    serve(data, listen, dataclasses.replace(settings, tls=tls), insecure=insecure)
