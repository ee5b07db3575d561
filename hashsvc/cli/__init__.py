"""The `hashsvc` command: one file a subcommand.

Importing this must stay quick, since every shell completion and `--help` pays for it: subcommands import av, faiss,
grpc, numpy and rich when they run, not before.
"""

import click

from hashsvc.cli import (
    appeal,
    bank,
    breaker,
    confirm,
    decisions,
    demo,
    entry,
    export,
    fingerprint,
    incident,
    labels,
    match,
    replay,
    report,
    retro,
    serve,
    token,
    verify,
    watch,
    webhook,
)
from hashsvc.cli.trouble import Guarded


@click.group(cls=Guarded, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hashsvc")
def main() -> None:
    """Stop known attack videos from being uploaded again.

    Confirm a video once; every later upload that shows it, re-encoded, cut, mirrored or sped up, is found.

    \b
    hashsvc confirm --data bank-data attack.mp4     remember it
    hashsvc match --data bank-data upload.mp4       is this one known?
    hashsvc serve --data bank-data                  answer over gRPC
    hashsvc demo                                    see all of it on videos made for the purpose

    Every command reads a data directory (--data DIR) or asks a running server (--server HOST:PORT); the environment
    variables HASHSVC_DATA, HASHSVC_SERVER and HASHSVC_CONFIG stand in for the options. A server that asks who is calling is shown
    the token in HASHSVC_TOKEN or in --token-file FILE.

    Exit status: 0 when the command did its work; 1 when `match --exit-code` found something, `verify` or
    `decisions --verify` a fault, `replay` or `demo` another answer; 2 for bad usage or input, after the rest of the batch.
    """


for module in (
    serve,
    confirm,
    match,
    fingerprint,
    bank,
    entry,
    labels,
    breaker,
    incident,
    retro,
    decisions,
    replay,
    appeal,
    report,
    watch,
    webhook,
    token,
    verify,
    export,
    demo,
):
    main.add_command(module.command)
