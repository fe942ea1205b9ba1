"""The language server's face: protocol only, no decisions. Empty until its issue is built."""
