"""The local sandbox: runs a pinned command on a clean checkout and returns its receipt.

Knows nothing of campaigns, ideas or the ledger's storage.
"""
