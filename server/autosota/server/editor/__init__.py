"""What an editor may be shown and what it may start: every decision that its faces do not make.

The language server and JupyterLab hold a `Desk` of open documents, and ask it in characters and
lines. Protocols, and how a client counts positions, are not known here.
"""
