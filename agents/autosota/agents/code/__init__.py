"""The code model, on tree-sitter: what the repository's code is, as facts with places."""
