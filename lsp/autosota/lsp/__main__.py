"""`python -m autosota.lsp`: the language server, where the `autosota` script is not on the path."""

from __future__ import annotations

import sys

from autosota.lsp.command import lsp

if __name__ == "__main__":
    sys.exit(lsp(standalone_mode=False))
