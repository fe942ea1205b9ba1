"""The language server's face: what an editor can ask, one module per feature.

Protocol only. What is found, offered or refused is decided in `server.editor` and below.
"""
