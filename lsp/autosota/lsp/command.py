"""`autosota lsp`: the language server on stdio."""

from __future__ import annotations

import click


@click.command()
@click.option("--stdio", is_flag=True, help="The only transport, and the default.")
@click.option("--log", type=click.Choice(["error", "warning", "info", "debug"]), default="warning")
def lsp(stdio: bool, log: str) -> int:
    """Serve an editor on stdin and stdout (Language Server Protocol 3.18).

    Editors start this; see docs/editors.md. What it has to say to people goes to stderr.
    """
    import gc

    gc.disable()  # thousands of classes are about to be made, and all of them stay
    from autosota.lsp.server import serve

    return serve(log)
